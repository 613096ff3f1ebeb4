#include "daemon/respawn.h"

#include <gtest/gtest.h>

namespace deferd {
namespace {

using namespace std::chrono_literals;

class RespawnTest : public ::testing::Test {
 protected:
  std::chrono::seconds dies_after(std::chrono::seconds life) {
    respawn.started(now);
    now += life;
    return respawn.ended(now);
  }
  Respawn respawn;
  SteadyTime now{1000s};
};

TEST_F(RespawnTest, WaitsASecondForTheFirst) { EXPECT_EQ(dies_after(0s), 1s); }

TEST_F(RespawnTest, WaitsTwiceAsLongEachTimeUpToAMinute) {
  for (const auto wait : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) EXPECT_EQ(dies_after(0s), wait);
}

TEST_F(RespawnTest, BeginsAnewAfterAMinuteOfLife) {
  for (const auto wait : {1s, 2s, 4s}) EXPECT_EQ(dies_after(59s), wait);
  EXPECT_EQ(dies_after(60s), 1s);
  EXPECT_EQ(dies_after(0s), 2s);
}

}  // namespace
}  // namespace deferd
