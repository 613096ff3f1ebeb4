#include "deferd/verdict.h"

#include <gtest/gtest.h>

namespace deferd {
namespace {

using std::chrono::milliseconds;

Pace stutter(int per_byte, int during) {
  Pace pace;
  pace.per_byte = milliseconds(per_byte);
  pace.during = milliseconds(during);
  return pace;
}

Pace combined(Pace a, const Pace& b) {
  a.combine(b);
  return a;
}

TEST(PaceTest, TheSlowerStutterCountsWithItsOwnEnd) {
  EXPECT_EQ(combined(stutter(100, 0), stutter(1000, 10'000)), stutter(1000, 10'000));
  EXPECT_EQ(combined(stutter(1000, 10'000), stutter(100, 0)), stutter(1000, 10'000));
}

TEST(PaceTest, OfEqualStuttersTheLaterEndCountsAndNoEndIsTheLatest) {
  EXPECT_EQ(combined(stutter(100, 5000), stutter(100, 9000)), stutter(100, 9000));
  EXPECT_EQ(combined(stutter(100, 5000), stutter(100, 0)), stutter(100, 0));
  EXPECT_EQ(combined(stutter(100, 0), stutter(100, 5000)), stutter(100, 0));
}

TEST(PaceTest, NoWishChangesNothing) {
  auto wish = stutter(100, 5000);
  wish.delay = milliseconds(20);
  wish.hold = true;
  EXPECT_EQ(combined(wish, {}), wish);
  EXPECT_EQ(combined({}, wish), wish);
}

}  // namespace
}  // namespace deferd
