// Addresses that are let through for some minutes while the store fails.
#include "pfbridge/bridge_fixture.h"

namespace deferd::pfbridge {
namespace {

TEST_F(BridgeTest, LeasesEndByThemselves) {
  start();
  host.break_store({Errc::io, "disk full"});
  bridge->give_lease(*Address::parse("192.0.2.1"), 10min);
  settle();
  EXPECT_EQ(white.text(), "192.0.2.1");
  EXPECT_EQ(white.entries.begin()->second, 11u * 60) << "also if we die";
  pass(9min);
  EXPECT_EQ(white.text(), "192.0.2.1");
  pass(2min);
  EXPECT_EQ(white.text(), "");
}

TEST_F(BridgeTest, LeasesNobodyWhoIsTrapped) {
  put(kTrapped, "192.0.2.1");
  start();
  bridge->give_lease(*Address::parse("192.0.2.1"), 10min);
  settle();
  EXPECT_EQ(white.text(), "");
}

TEST_F(BridgeTest, ForgetsNoLeaseAtARestart) {
  start();
  bridge->give_lease(*Address::parse("192.0.2.1"), 10min);
  settle();
  stop();
  start();
  EXPECT_EQ(white.text(), "");
}

TEST_F(BridgeTest, ForgetsNoLeaseThatEndedBeforeItIsSeenToBeGone) {
  start();
  bridge->give_lease(*Address::parse("192.0.2.1"), 10min);
  settle();
  white.fate = [] { return Fate::lied; };
  pass(11min);
  EXPECT_EQ(white.text(), "192.0.2.1");
  white.fate = [] { return Fate::done; };
  stop();
  start();
  EXPECT_EQ(white.text(), "");
  pass(2min);  // seen to be right
  EXPECT_TRUE(or_throw(Leases::noted(host.store())).empty()) << "then nothing is kept of it";
}

TEST_F(BridgeTest, LeasesToNoMoreThanItMay) {
  start();
  for (unsigned i = 0; i <= Leases::kMost; ++i) bridge->give_lease(Address::v4(0x0A000000 + i), 10min);
  settle();
  EXPECT_EQ(white.entries.size(), Leases::kMost);
  EXPECT_EQ(host.count("deferd_pfbridge_leases_total", {{"result", "refused"}}), 1u);
}

}  // namespace
}  // namespace deferd::pfbridge
