#include "better_mx.h"

namespace deferd::traplist {

BetterMx::BetterMx(std::size_t count, Duration proven, std::chrono::milliseconds gap)
    : proven_(proven), gap_(gap), servers_(count) {}

void BetterMx::heard(std::size_t server, bool accepts, SteadyTime begun) {
  const std::lock_guard lock(mutex_);
  auto& known = servers_[server];
  if (!accepts) {
    known.since.reset();
    return;
  }
  if (!known.since || begun - known.last > gap_) known.since = begun;
  known.last = begun;
}

std::optional<bool> BetterMx::accepted_around(SteadyTime moment) const {
  const std::lock_guard lock(mutex_);
  bool asked_since = true;
  for (const auto& server : servers_) {
    if (!server.since || *server.since > moment - proven_) return false;
    if (moment - server.last > gap_) return false;
    asked_since = asked_since && server.last > moment;
  }
  if (servers_.empty()) return false;
  return asked_since ? std::optional(true) : std::nullopt;
}

}  // namespace deferd::traplist
