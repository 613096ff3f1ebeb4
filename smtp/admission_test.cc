#include "smtp/admission.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <set>

namespace deferd::smtp {
namespace {

using namespace std::chrono_literals;
using Refusal = Admission::Refusal;

struct TestGuest : Guest {
  using Guest::Guest;
};

Prefix network(int number) { return network_of(Address::v4(0xC6120000u + (static_cast<std::uint32_t>(number) << 8) + 7)); }

class AdmissionTest : public ::testing::Test {
 protected:
  AdmissionTest() {
    limits.total = 4;
    limits.kept = 3;
    limits.per_prefix = 2;
    limits.new_per_prefix = 0;
    limits.tls = 1;
  }
  void TearDown() override {
    for (auto& guest : guests) admission().leave(guest);
  }
  Admission& admission() {
    if (!admission_) admission_.emplace(limits, 2);
    return *admission_;
  }
  /// Comes; null if refused.
  TestGuest* come(int from, unsigned lane = 0) {
    auto& guest = guests.emplace_back(lane);
    last = admission().enter(guest, network(from), now);
    return last.refusal == Refusal::none ? &guest : nullptr;
  }
  std::optional<unsigned> hold(TestGuest* guest) { return admission().hold(*guest); }

  AdmissionLimits limits;
  SteadyTime now{1h};
  Admission::Answer last;
  std::deque<TestGuest> guests;
  std::optional<Admission> admission_;
};

TEST_F(AdmissionTest, RefusesMoreOfOneNetworkThanItsShare) {
  EXPECT_TRUE(come(1));
  auto* second = come(1);
  EXPECT_FALSE(come(1));
  EXPECT_EQ(last.refusal, Refusal::prefix);
  EXPECT_TRUE(come(2));
  admission().leave(*second);
  EXPECT_TRUE(come(1));
}

TEST_F(AdmissionTest, TakesNeighboursForOneNetwork) {
  EXPECT_EQ(network_of(*Address::parse("192.0.2.1")).to_string(), "192.0.2.0/24");
  EXPECT_EQ(network_of(*Address::parse("2001:db8:1:2:3::4")).to_string(), "2001:db8:1:2::/64");
}

TEST_F(AdmissionTest, RefusesWhenAllPlacesAreTakenByThoseWhoMayStay) {
  for (int from = 0; from < 4; ++from) EXPECT_TRUE(come(from));
  EXPECT_FALSE(come(9));
  EXPECT_EQ(last.refusal, Refusal::total);
  EXPECT_EQ(admission().counts().total, 4);
}

TEST_F(AdmissionTest, GivesTheNewcomerThePlaceOfOneKeptBusyAtOnce) {
  auto* held = come(1, 1);
  for (int from = 2; from < 5; ++from) EXPECT_TRUE(come(from));
  EXPECT_FALSE(hold(held));
  EXPECT_TRUE(come(9));
  EXPECT_EQ(last.lane, 1u);
  EXPECT_EQ(admission().next_to_leave(0), nullptr);
  EXPECT_EQ(admission().next_to_leave(1), held);
  EXPECT_EQ(admission().next_to_leave(1), nullptr);
  EXPECT_EQ(admission().counts().total, 4);
  admission().leave(*held);
  EXPECT_EQ(admission().counts().total, 4);
  EXPECT_FALSE(come(10));
}

TEST_F(AdmissionTest, ReleasesTheOldestOfTheNetworkThatHasMost) {
  limits.total = 5;
  limits.kept = 4;
  auto *old = come(1), *first = come(2), *second = come(2), *other = come(3);
  for (auto* guest : {old, first, second, other}) EXPECT_FALSE(hold(guest));
  EXPECT_EQ(admission().release_one(), 0u);
  EXPECT_EQ(admission().next_to_leave(0), first);
  EXPECT_EQ(admission().release_one(), 0u);
  EXPECT_EQ(admission().next_to_leave(0), old);  // all have one now; it is the oldest of those that had one all the time
}

TEST_F(AdmissionTest, KeepsNoMoreBusyThanAllowed) {
  std::vector<TestGuest*> held;
  for (int from = 1; from <= 3; ++from) {
    held.push_back(come(from));
    EXPECT_FALSE(hold(held.back()));
  }
  auto* fourth = come(4);
  EXPECT_EQ(hold(fourth), 0u);
  EXPECT_EQ(admission().next_to_leave(0), held[0]);
  EXPECT_EQ(admission().counts().held, 3);
}

TEST_F(AdmissionTest, HasNobodyToReleaseWhereNobodyIsKeptBusy) {
  EXPECT_TRUE(come(1));
  EXPECT_FALSE(admission().release_one());
}

TEST_F(AdmissionTest, ForgetsWhoLeavesOfHisOwnAccordAfterHeWasChosen) {
  auto* held = come(1);
  hold(held);
  EXPECT_EQ(admission().release_one(), 0u);
  admission().leave(*held);
  EXPECT_EQ(admission().next_to_leave(0), nullptr);
  EXPECT_EQ(admission().counts().total, 0);
  EXPECT_EQ(admission().counts().held, 0);
}

TEST_F(AdmissionTest, OneNetworkCannotEndTheTarpitForOthers) {
  limits.total = 4;
  auto *other = come(1), *bot = come(2), *bot2 = come(2);
  for (auto* guest : {other, bot, bot2}) hold(guest);
  // The bot hammers; it has its share and gets no more, whatever it does.
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(come(2));
  EXPECT_EQ(admission().counts().held, 3);
}

TEST_F(AdmissionTest, LimitsHowFastANetworkMayCome) {
  limits.total = limits.per_prefix = 1000;
  limits.new_per_prefix = 60;
  for (int i = 0; i < 60; ++i) EXPECT_TRUE(come(1)) << i;
  EXPECT_FALSE(come(1));
  EXPECT_EQ(last.refusal, Refusal::rate);
  EXPECT_TRUE(come(2));
  now += 1s;
  EXPECT_TRUE(come(1));
  EXPECT_FALSE(come(1));
  now += 1h;
  for (int i = 0; i < 60; ++i) EXPECT_TRUE(come(1)) << i;
  EXPECT_FALSE(come(1));
}

TEST_F(AdmissionTest, CountsClientsBehindABalancerOnceTheyAreKnown) {
  std::vector<TestGuest*> behind;
  for (int i = 0; i < 3; ++i) {
    behind.push_back(&guests.emplace_back(0));
    EXPECT_EQ(admission().enter(*behind.back(), std::nullopt, now).refusal, Refusal::none);
  }
  EXPECT_EQ(admission().name(*behind[0], network(1), now), Refusal::none);
  EXPECT_EQ(admission().name(*behind[1], network(1), now), Refusal::none);
  EXPECT_EQ(admission().name(*behind[2], network(1), now), Refusal::prefix);
  EXPECT_EQ(admission().counts().total, 3);
  admission().leave(*behind[2]);
  EXPECT_EQ(admission().counts().total, 2);
}

TEST_F(AdmissionTest, HoldsClientsOfUnixSocketsToo) {
  auto& guest = guests.emplace_back(0);
  admission().enter(guest, std::nullopt, now);
  EXPECT_FALSE(hold(&guest));
  EXPECT_EQ(admission().release_one(), 0u);
}

TEST_F(AdmissionTest, LimitsThoseInsideTls) {
  auto *first = come(1), *second = come(2);
  EXPECT_FALSE(admission().tls_full());
  EXPECT_TRUE(admission().start_tls(*first));
  EXPECT_TRUE(admission().tls_full());
  EXPECT_FALSE(admission().start_tls(*second));
  admission().leave(*first);
  EXPECT_TRUE(admission().start_tls(*second));
}

TEST_F(AdmissionTest, TakesNewLimitsForThoseWhoCome) {
  EXPECT_TRUE(come(1));
  EXPECT_TRUE(come(1));
  EXPECT_FALSE(come(1));
  limits.per_prefix = 3;
  admission().configure(limits);
  EXPECT_TRUE(come(1));
}

TEST_F(AdmissionTest, CountsRightWhateverHappens) {
  limits = {.total = 50, .kept = 30, .per_prefix = 8, .new_per_prefix = 0, .tls = 5};
  std::mt19937 random(11);
  std::set<TestGuest*> inside, chosen;
  const auto collect = [&] {
    for (unsigned lane = 0; lane < 2; ++lane)
      while (Guest* guest = admission().next_to_leave(lane)) chosen.insert(static_cast<TestGuest*>(guest));
  };
  for (int step = 0; step < 20'000; ++step) {
    switch (random() % 4) {
      case 0:
        if (auto* guest = come(static_cast<int>(random() % 12), random() % 2))
          inside.insert(guest);
        else
          guests.pop_back();
        break;
      case 1:
        if (!inside.empty()) admission().hold(**std::next(inside.begin(), static_cast<long>(random() % inside.size())));
        break;
      case 2:
        if (!inside.empty()) admission().start_tls(**std::next(inside.begin(), static_cast<long>(random() % inside.size())));
        break;
      default:
        if (!inside.empty()) {
          auto guest = std::next(inside.begin(), static_cast<long>(random() % inside.size()));
          admission().leave(**guest);
          chosen.erase(*guest);
          inside.erase(guest);
        }
    }
    if (random() % 8 == 0) admission().release_one();
    collect();
    const auto counts = admission().counts();
    ASSERT_EQ(counts.total, static_cast<int>(inside.size() - chosen.size()));
    ASSERT_LE(counts.total, 50);
    ASSERT_LE(counts.held, 30);
    ASSERT_LE(counts.tls, 5);
  }
}

TEST(RateTable, StaysBoundedAndForgetsTheFullestFirst) {
  RateTable table(1);  // four places
  const SteadyTime now{1h};
  for (int i = 0; i < 10; ++i) table.take(network(1), now, 10);
  EXPECT_FALSE(table.take(network(1), now, 10));
  for (int other = 2; other < 100; ++other) EXPECT_TRUE(table.take(network(other), now, 10));
  EXPECT_FALSE(table.take(network(1), now, 10));
}

}  // namespace
}  // namespace deferd::smtp
