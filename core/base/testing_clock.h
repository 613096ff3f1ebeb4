// The clock of `deferd --testing-clock`: stands still until it is told to go on, so that a test of the whole daemon need not wait
// for days and meets the second it means.
#pragma once
#include <atomic>

#include "deferd/time.h"

namespace deferd {

/// Thread-safe. steady() is real: waits and budgets keep their length.
class TestingClock final : public Clock {
 public:
  explicit TestingClock(Time start) : now_(start.time_since_epoch().count()) {}

  Time now() const override { return Time(Duration(now_.load(std::memory_order_relaxed))); }
  SteadyTime steady() const override { return std::chrono::steady_clock::now(); }

  void set(Time now) { now_.store(now.time_since_epoch().count(), std::memory_order_relaxed); }
  void advance(Duration by) { now_.fetch_add(by.count(), std::memory_order_relaxed); }

 private:
  std::atomic<Duration::rep> now_;
};

}  // namespace deferd
