#include "pair.h"

#include <algorithm>
#include <limits>

#include "bytes.h"

namespace deferd::greylist {
namespace {

constexpr std::uint8_t kPairVersion = 1;

}  // namespace

bool waited_enough(const std::optional<Pair>& pair, Time now, Duration max_wait, Duration pass_time) {
  return pair && max_wait > Duration(0) && now - pair->first >= std::max(max_wait, pass_time);
}

Pair one_more_try(const std::optional<Pair>& pair, Time now) {
  Pair next = pair.value_or(Pair{now, now, 0});
  next.first = std::min(next.first, now);  // the clock was set back
  next.last = now;
  if (next.tries < std::numeric_limits<std::uint32_t>::max()) ++next.tries;
  return next;
}

std::string encode(const Pair& pair) {
  Writer out(kPairVersion);
  out.time(pair.first);
  out.time(pair.last);
  out.number(pair.tries);
  return out.take();
}

std::optional<Pair> decode_pair(std::string_view bytes) {
  Reader in(bytes);
  if (in.byte() != kPairVersion) return std::nullopt;
  Pair pair;
  pair.first = in.time();
  pair.last = in.time();
  const auto tries = in.number();
  pair.tries = static_cast<std::uint32_t>(tries);
  if (!in.done() || tries != pair.tries) return std::nullopt;
  return pair;
}

}  // namespace deferd::greylist
