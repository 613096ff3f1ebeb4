// The clock of `deferd --testing-clock`: real time moved by an offset, so that a test of the whole daemon need not wait for days.
#pragma once
#include <atomic>

#include "deferd/time.h"

namespace deferd {

/// Thread-safe. steady() is not moved: waits and budgets keep their real length.
class TestingClock final : public Clock {
 public:
  explicit TestingClock(const Clock& real) : real_(real) {}

  Time now() const override { return real_.now() + offset(); }
  SteadyTime steady() const override { return real_.steady(); }

  Duration offset() const { return Duration(offset_.load(std::memory_order_relaxed)); }
  void set_offset(Duration offset) { offset_.store(offset.count(), std::memory_order_relaxed); }
  void advance(Duration by) { offset_.fetch_add(by.count(), std::memory_order_relaxed); }

 private:
  const Clock& real_;
  std::atomic<Duration::rep> offset_{0};
};

}  // namespace deferd
