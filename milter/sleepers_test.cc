#include "milter/sleepers.h"

#include <gtest/gtest.h>

namespace deferd {
namespace {

using namespace std::chrono_literals;

class LastGauge : public Gauge {
 public:
  void set(std::int64_t to) noexcept override { value = to; }
  std::int64_t value = 0;
};

class SleepersTest : public testing::Test {
 protected:
  bool sleep(std::chrono::milliseconds duration, int limit) {
    return sleepers.sleep(duration, limit, [this] { ++woken; });
  }

  net::io_context io;
  LastGauge gauge;
  Sleepers sleepers{io, gauge};
  int woken = 0;
};

TEST_F(SleepersTest, SleepForTheTimeAsked) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(sleep(20ms, 1));
  EXPECT_EQ(gauge.value, 1);
  EXPECT_EQ(woken, 0);
  io.run();
  EXPECT_GE(std::chrono::steady_clock::now() - start, 20ms);
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(gauge.value, 0);
}

TEST_F(SleepersTest, AreNoMoreThanTheLimit) {
  EXPECT_TRUE(sleep(1h, 2));
  EXPECT_TRUE(sleep(1h, 2));
  EXPECT_FALSE(sleep(1h, 2));
  EXPECT_EQ(gauge.value, 2);
  sleepers.wake();
  io.run();
  EXPECT_EQ(woken, 2);
}

TEST_F(SleepersTest, AreThereNoMoreAfterWaking) {
  sleepers.wake();
  EXPECT_FALSE(sleep(1h, 1));
  EXPECT_EQ(gauge.value, 0);
}

}  // namespace
}  // namespace deferd
