#include "smtp/alertness.h"

#include <gtest/gtest.h>

namespace deferd::smtp {
namespace {

using namespace std::chrono_literals;

constexpr SteadyTime kNow{1h};

TEST(Alertness, SleepsAtFirst) { EXPECT_FALSE(Alertness().looks_again(kNow)); }

TEST(Alertness, LooksAgainForAMomentAfterANap) {
  Alertness alertness;
  alertness.slept(kNow - 150us, kNow);
  EXPECT_TRUE(alertness.looks_again(kNow));
  EXPECT_TRUE(alertness.looks_again(kNow + 40us));
  EXPECT_FALSE(alertness.looks_again(kNow + 60us));
}

TEST(Alertness, TheMomentBeginsAnewWithWhatItFinds) {
  Alertness alertness;
  alertness.slept(kNow - 150us, kNow);
  alertness.found_something(kNow + 40us);
  EXPECT_TRUE(alertness.looks_again(kNow + 80us));
  EXPECT_FALSE(alertness.looks_again(kNow + 100us));
}

TEST(Alertness, SleepsAtOnceIfTheLastSleepWasLong) {
  Alertness alertness;
  alertness.slept(kNow - 150us, kNow);
  alertness.slept(kNow + 60us, kNow + 1ms);
  alertness.found_something(kNow + 1ms);
  EXPECT_FALSE(alertness.looks_again(kNow + 1ms));
}

}  // namespace
}  // namespace deferd::smtp
