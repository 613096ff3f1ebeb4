// Whether a thread that finds nothing to do looks again, or sleeps.
#pragma once
#include <chrono>

#include "deferd/time.h"

namespace deferd::smtp {

/// Falling asleep and being woken costs more than most events do, and a processor that has gone idle takes its time to come back.
/// So who has only napped looks again for a moment before it sleeps, letting others go first. Where little happens all sleep
/// long, and nobody looks again.
class Alertness {
 public:
  static constexpr std::chrono::microseconds kNap{200};    ///< A sleep shorter than this was not worth it.
  static constexpr std::chrono::microseconds kMoment{50};  ///< Since there was something to do.

  void found_something(SteadyTime now) { last_ = now; }
  void slept(SteadyTime from, SteadyTime to) {
    last_ = to;
    napped_ = to - from < kNap;
  }
  bool looks_again(SteadyTime now) const { return napped_ && now - last_ < kMoment; }

 private:
  SteadyTime last_{};
  bool napped_ = false;
};

}  // namespace deferd::smtp
