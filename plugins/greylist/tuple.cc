#include "tuple.h"

#include <algorithm>
#include <limits>

#include "bytes.h"

namespace deferd::greylist {
namespace {

constexpr std::uint8_t kTupleVersion = 1;
constexpr std::uint8_t kReleased = 1;

Duration evidence_time(const Times& times) { return std::min(times.white_expiry, kEvidenceMax); }

bool holds(const Tuple& tuple, Time now, const Times& times, Time revoked) {
  if (tuple.passed != Time{} && revoked != Time{} && (tuple.passed <= revoked || tuple.passed > now)) return false;
  if (tuple.passed != Time{} && !times.strict) return now < tuple.passed + evidence_time(times);
  return tuple.first >= revoked && now < tuple.first + times.grey_expiry;
}

Tuple begin(Time now, bool released) {
  Tuple tuple;
  tuple.first = now;
  tuple.released = released;
  return tuple;
}

}  // namespace

Step take_step(const std::optional<Tuple>& known, Time now, const Times& times, Time revoked, const Address& client) {
  if (revoked > now) revoked = Time{};
  std::optional<Tuple> usable = known;
  if (usable) usable->first = std::min(usable->first, now);
  const bool released = usable && usable->released && usable->first >= revoked;
  if (usable && !holds(*usable, now, times, revoked)) usable.reset();

  Step step;
  step.tuple = usable.value_or(begin(now, released));
  auto& tuple = step.tuple;
  step.due = tuple.first + times.pass_time + Duration(times.strict ? 1 : 0);
  step.released = tuple.released;
  if (tuple.passed != Time{})
    step.ripeness = Ripeness::passed;
  else if (step.released || (usable && now >= step.due))
    step.ripeness = Ripeness::passes;
  else
    step.ripeness = usable ? Ripeness::early : Ripeness::fresh;

  const bool lets_through = step.ripeness == Ripeness::passes || step.ripeness == Ripeness::passed;
  tuple.last = now;
  tuple.client = client;
  if (tuple.tries < std::numeric_limits<std::uint32_t>::max()) ++tuple.tries;
  if (lets_through) {
    tuple.passed = now;
    tuple.released = false;
  }
  step.expires = lets_through && !times.strict ? now + evidence_time(times) : tuple.first + times.grey_expiry;
  return step;
}

std::string encode(const Tuple& tuple) {
  Writer out(kTupleVersion);
  out.byte(tuple.released ? kReleased : 0);
  out.time(tuple.first);
  out.time(tuple.last);
  out.time(tuple.passed);
  out.number(tuple.tries);
  out.address(tuple.client);
  return out.take();
}

std::optional<Tuple> decode_tuple(std::string_view bytes) {
  Reader in(bytes);
  if (in.byte() != kTupleVersion) return std::nullopt;
  Tuple tuple;
  const auto flags = in.byte();
  tuple.released = flags == kReleased;
  tuple.first = in.time();
  tuple.last = in.time();
  tuple.passed = in.time();
  const auto tries = in.number();
  tuple.tries = static_cast<std::uint32_t>(tries);
  tuple.client = in.address();
  if (!in.done() || flags > kReleased || tries != tuple.tries) return std::nullopt;
  return tuple;
}

}  // namespace deferd::greylist
