#include "known_senders.h"

#include <algorithm>
#include <array>

#include "bytes.h"
#include "keys.h"

namespace deferd::greylist {
namespace {

using namespace std::chrono_literals;
constexpr std::uint8_t kKnownVersion = 1;

}  // namespace

std::size_t KnownSender::pairs(Time now, Duration expiry, Time revoked) const {
  return static_cast<std::size_t>(std::count_if(passes.begin(), passes.end(), [&](const Pass& pass) {
    return now < pass.when + expiry && (revoked == Time{} || (pass.when > revoked && pass.when <= now));
  }));
}

bool KnownSender::learn(std::uint32_t pair, Time now) {
  auto pass = std::find_if(passes.begin(), passes.end(), [&](const Pass& p) { return p.pair == pair; });
  if (pass != passes.end() && pass->when <= now && now - pass->when < 1h) return false;
  if (pass == passes.end() && passes.size() < kMost) pass = passes.insert(passes.end(), Pass{});
  if (pass == passes.end())
    pass = std::min_element(passes.begin(), passes.end(), [](const Pass& a, const Pass& b) { return a.when < b.when; });
  *pass = {pair, now};
  return true;
}

std::string encode(const KnownSender& known) {
  Writer out(kKnownVersion);
  out.byte(static_cast<std::uint8_t>(known.passes.size()));
  for (const auto& pass : known.passes) {
    out.number(pass.pair);
    out.time(pass.when);
  }
  return out.take();
}

std::optional<KnownSender> decode_known_sender(std::string_view bytes) {
  Reader in(bytes);
  if (in.byte() != kKnownVersion) return std::nullopt;
  const std::size_t size = in.byte();
  if (size > KnownSender::kMost) return std::nullopt;
  KnownSender known;
  for (std::size_t i = 0; i < size; ++i) {
    const auto pair = in.number();
    known.passes.push_back({static_cast<std::uint32_t>(pair), in.time()});
    if (pair != known.passes.back().pair) return std::nullopt;
  }
  if (!in.done()) return std::nullopt;
  return known;
}

std::uint32_t pair_hash(std::string_view pair_group) { return static_cast<std::uint32_t>(stable_hash(pair_group)); }

Result<void> learn_pass(Store& store, const Identity& identity, std::string_view domain, std::uint32_t pair, Time now,
                        Duration expiry) {
  const auto key = domain_key(domain);
  const std::array<std::string_view, 1> keys = {key};
  return update(store, identity_group(identity), keys, [&](std::span<const Record> records) {
    KnownSender known;
    if (records[0].value) known = decode_known_sender(*records[0].value).value_or(KnownSender{});
    std::vector<Change> changes;
    if (known.learn(pair, now)) changes.push_back({key, encode(known), now + expiry, {}});
    return changes;
  });
}

}  // namespace deferd::greylist
