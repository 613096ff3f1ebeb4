// Tells a clock that was set wrong from time that went by, before anything is thrown away for being old.
#pragma once
#include <optional>

#include "deferd/time.h"

namespace deferd::store {

/// The clock counts as implausible when it is more than a day ahead of where it should be: of the last persisted time at start,
/// of the steady clock later. It is believed again when it comes back, or when it has run evenly for an hour. Behind is harmless:
/// things are kept longer. Not thread-safe.
class ClockGuard {
 public:
  /// `persisted`: the time last kept, none for a new database.
  ClockGuard(std::optional<Time> persisted, SteadyTime steady) : expected_(persisted), at_(steady) {}

  enum class Change { none, held, released };
  Change check(Time now, SteadyTime steady);
  bool held() const { return held_since_.has_value(); }

 private:
  std::optional<Time> expected_;  ///< The time it should be at `at_`.
  SteadyTime at_;
  std::optional<SteadyTime> held_since_;
  Time held_from_{};
};

}  // namespace deferd::store
