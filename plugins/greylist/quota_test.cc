#include "quota.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace deferd::greylist {
namespace {

using namespace std::chrono_literals;

class QuotaTest : public ::testing::Test {
 protected:
  bool take(const char* client) { return quota.take(*Address::parse(client), now, limits); }
  int take_all(const char* client) {
    int taken = 0;
    while (take(client)) ++taken;
    return taken;
  }

  QuotaLimits limits{10, 6};
  SteadyTime now = SteadyTime(1h);
  Quota quota;
};

TEST_F(QuotaTest, AllowsABurstAndNoMore) { EXPECT_EQ(take_all("192.0.2.7"), 10); }

TEST_F(QuotaTest, RefillsByTheMinute) {
  take_all("192.0.2.7");
  now += 10s - 1ms;
  EXPECT_FALSE(take("192.0.2.7"));
  now += 1ms;
  EXPECT_TRUE(take("192.0.2.7"));
  EXPECT_FALSE(take("192.0.2.7"));
  now += 1min;
  EXPECT_EQ(take_all("192.0.2.7"), 6);
}

TEST_F(QuotaTest, RefillsToTheBurst) {
  take_all("192.0.2.7");
  now += 1000h;
  EXPECT_EQ(take_all("192.0.2.7"), 10);
}

TEST_F(QuotaTest, CountsAPrefixAsOneSource) {
  take_all("192.0.2.7");
  EXPECT_FALSE(take("192.0.2.200"));
  EXPECT_TRUE(take("192.0.3.7"));
  take_all("2001:db8::1");
  EXPECT_FALSE(take("2001:db8::2"));
}

TEST_F(QuotaTest, AnIpv6SiteHasEightTimesAsMuch) {
  int taken = 0;
  for (int net = 0; net < 100; ++net) {
    const auto client = "2001:db8:0:" + std::to_string(net) + "::1";
    taken += take_all(client.c_str());
  }
  EXPECT_EQ(taken, 80);
  EXPECT_TRUE(take("2001:db8:1::1"));
}

TEST_F(QuotaTest, AnIpv6NetworkOverItsOwnLimitTakesNothingFromItsSite) {
  take_all("2001:db8::1");
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(take("2001:db8::1"));
  EXPECT_EQ(take_all("2001:db8:0:1::1"), 10);
}

TEST_F(QuotaTest, LookingTakesNothing) {
  const auto client = *Address::parse("2001:db8::1");
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(quota.would_take(client, now, limits));
  EXPECT_EQ(take_all("2001:db8::1"), 10);
  EXPECT_FALSE(quota.would_take(client, now, limits));
}

TEST_F(QuotaTest, ABurstOfNothingIsNoLimit) {
  limits.burst = 0;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(take("192.0.2.7"));
}

TEST_F(QuotaTest, AnEmptyBucketIsForgottenLast) {
  take_all("192.0.2.7");
  for (std::uint32_t net = 0; net < 200'000; ++net) quota.take(Address::v4(0x0B000000 + (net << 8)), now, limits);
  EXPECT_FALSE(take("192.0.2.7"));
}

TEST_F(QuotaTest, TheLargestLimitsDoNotOverflow) {
  limits = {1'000'000, 1'000'000};
  EXPECT_TRUE(take("192.0.2.7"));
  now += std::chrono::hours{24 * 3650};
  EXPECT_TRUE(take("192.0.2.7"));
}

TEST_F(QuotaTest, ThreadsTogetherTakeWhatThereIs) {
  limits = {1000, 1};
  std::atomic<int> taken = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([&] {
        for (int n = 0; n < 500; ++n) taken += quota.take(*Address::parse("192.0.2.7"), now, limits);
      });
  }
  EXPECT_EQ(taken, 1000);
}

}  // namespace
}  // namespace deferd::greylist
