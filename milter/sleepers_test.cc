#include "milter/sleepers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace deferd {
namespace {

using namespace std::chrono_literals;

class WatchedGauge : public Gauge {
 public:
  void set(std::int64_t value) noexcept override {
    value_ = value;
    value_.notify_all();
  }
  void wait_for_one() {
    for (auto value = value_.load(); value != 1; value = value_) value_.wait(value);
  }
  std::int64_t value() const { return value_; }

 private:
  std::atomic<std::int64_t> value_ = 0;
};

TEST(Sleepers, SleepForTheTimeAsked) {
  WatchedGauge gauge;
  Sleepers sleepers(gauge);
  const auto start = std::chrono::steady_clock::now();
  sleepers.sleep(20ms, 1);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 20ms);
  EXPECT_EQ(gauge.value(), 0);
}

TEST(Sleepers, AreNoMoreThanTheLimit) {
  WatchedGauge gauge;
  Sleepers sleepers(gauge);
  auto first = std::async(std::launch::async, [&] { sleepers.sleep(1h, 1); });
  gauge.wait_for_one();
  sleepers.sleep(1h, 1);  // returns at once
  EXPECT_EQ(gauge.value(), 1);
  sleepers.wake();
  first.get();
}

TEST(Sleepers, AreThereNoMoreAfterWaking) {
  WatchedGauge gauge;
  Sleepers sleepers(gauge);
  sleepers.wake();
  sleepers.sleep(1h, 1);  // returns at once
  EXPECT_EQ(gauge.value(), 0);
}

}  // namespace
}  // namespace deferd
