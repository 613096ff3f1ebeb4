// A clock that stands still until a test moves it.
#pragma once
#include <atomic>
#include <chrono>

#include "deferd/time.h"

namespace deferd {

/// Starts at 2026-01-01T00:00:00Z. Thread-safe.
class FakeClock : public Clock {
 public:
  Time now() const override {
    return std::chrono::floor<Duration>(
        std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(wall_.load())));
  }
  SteadyTime steady() const override { return SteadyTime(std::chrono::milliseconds(steady_.load())); }

  /// Time goes by, on both clocks.
  void advance(std::chrono::milliseconds duration) {
    wall_ += duration.count();
    steady_ += duration.count();
  }
  /// Somebody sets the machine's clock: now() jumps, either way; steady() does not.
  void set(Time time) { wall_ = std::chrono::milliseconds(time.time_since_epoch()).count(); }

 private:
  std::atomic<std::int64_t> wall_ =
      std::chrono::milliseconds(std::chrono::sys_days(std::chrono::year(2026) / 1 / 1).time_since_epoch()).count();
  std::atomic<std::int64_t> steady_ = 3'600'000;
};

}  // namespace deferd
