// What reaches the packet filter's tables, and when.
#include <utility>

#include "pfbridge/bridge_fixture.h"

namespace deferd::pfbridge {
namespace {

TEST_F(BridgeTest, FillsTheTablesAtTheStart) {
  put(kWhite, "192.0.2.1");
  put(kWhite, "2001:db8::/32");
  put(kTrapped, "203.0.113.9");
  start();
  EXPECT_EQ(white.text(), "192.0.2.1 2001:db8::/32");
  EXPECT_EQ(trapped.text(), "203.0.113.9");
  EXPECT_TRUE(bridge->in_step());
}

TEST_F(BridgeTest, FollowsEachChange) {
  start();
  put(kWhite, "192.0.2.1");
  settle();
  EXPECT_EQ(white.text(), "192.0.2.1");
  erase(kWhite, "192.0.2.1");
  settle();
  EXPECT_EQ(white.text(), "");
}

TEST_F(BridgeTest, TakesOutWhatExpires) {
  start();
  put(kWhite, "192.0.2.1", 1h);
  put(kWhite, "192.0.2.2", 3h);
  settle();
  pass(2h);
  EXPECT_EQ(white.text(), "192.0.2.2");
}

TEST_F(BridgeTest, LetsThePacketFilterForgetAWeekAfterTheRow) {
  start();
  put(kWhite, "192.0.2.1", 1h);
  put(kWhite, "192.0.2.2", Duration::max());
  settle();
  EXPECT_EQ(white.entries[*bridge::Entry::parse("192.0.2.1")], 3600u + 7 * 86400);
  EXPECT_EQ(white.entries[*bridge::Entry::parse("192.0.2.2")], 0u);
  pass(30min);
  or_throw(host.tables().refresh(kWhite, *Prefix::parse("192.0.2.1"), host.clock().now() + 48h));
  settle();
  EXPECT_EQ(white.entries[*bridge::Entry::parse("192.0.2.1")], 48u * 3600 + 7 * 86400) << "a refresh sets it anew";
}

TEST_F(BridgeTest, SendsOnlyWhatHasChanged) {
  for (unsigned i = 0; i < 9'000; ++i) {
    TableRow row;
    row.prefix = Prefix(Address::v4(0x0A000000 + i));
    row.expires = host.clock().now() + 36h;
    or_throw(host.tables().put(kWhite, row));
  }
  start();
  EXPECT_EQ(white.entries.size(), 9'000u);
  EXPECT_EQ(white.added, 9'000u);
  for (int i = 0; i < 10; ++i) {
    put(kWhite, "192.0.2.1");
    put(kWhite, "192.0.2.2");
    erase(kWhite, "192.0.2.1");
  }
  settle();
  EXPECT_EQ(white.added, 9'001u) << "of each only the last word counts";
  EXPECT_LE(white.removed, 1u);
}

TEST_F(BridgeTest, ReadsBackAfterTheHelperWasAway) {
  put(kWhite, "192.0.2.1");
  put(kWhite, "192.0.2.2");
  start();
  disconnect();
  erase(kWhite, "192.0.2.1");
  put(kWhite, "192.0.2.3");
  settle();
  white.entries.erase(*bridge::Entry::parse("192.0.2.2"));  // the rules were loaded anew
  connect();
  settle();
  EXPECT_EQ(white.text(), "192.0.2.2 192.0.2.3");
}

TEST_F(BridgeTest, RepairsOnItsSchedule) {
  put(kWhite, "192.0.2.1");
  start();
  pass(2min);  // what was filled is looked at again
  white.entries.clear();
  pass(30min);
  EXPECT_EQ(white.text(), "");
  pass(31min);
  EXPECT_EQ(white.text(), "192.0.2.1");
}

TEST_F(BridgeTest, ChangesATableWhileItIsReadBack) {
  for (int i = 1; i <= 9; ++i) put(kWhite, ("192.0.2." + std::to_string(i)).c_str());
  white.piece = 2;
  start();
  pass(2min);  // seen to be right
  const auto answer = [&] {
    bridge->step();
    ASSERT_TRUE(bridge->receive(0, helper.answer(bridge->link(0).output())));
  };
  bridge->read_back();
  answer();  // two are read
  put(kWhite, "192.0.2.0");
  put(kWhite, "198.51.100.1");
  erase(kWhite, "192.0.2.2");
  erase(kWhite, "192.0.2.9");
  answer();
  answer();
  EXPECT_EQ(told("white", "state"), "busy");
  EXPECT_EQ(told("white", "pending"), "0");
  EXPECT_EQ(white.text(), "192.0.2.0 192.0.2.1 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6 192.0.2.7 192.0.2.8 198.51.100.1");
  const auto added = white.added, removed = white.removed, reads = white.reads;
  settle();
  EXPECT_EQ(told("white", "state"), "in step");
  EXPECT_EQ(told("white", "present"), "9");
  pass(2min);
  EXPECT_EQ(white.added, added) << "nothing was taken for missing";
  EXPECT_EQ(white.removed, removed) << "nor for left over";
  EXPECT_EQ(white.reads, reads) << "nor was it repaired";
}

TEST_F(BridgeTest, CountsOnceWhatIsAnsweredAfterAReading) {
  for (int i = 1; i <= 4; ++i) put(kWhite, ("192.0.2." + std::to_string(i)).c_str());
  start();
  pass(2min);
  bridge->read_back();
  bridge->step();
  put(kWhite, "198.51.100.1");
  put(kWhite, "198.51.100.2");
  erase(kWhite, "192.0.2.2");
  bridge->step();  // the helper does both, one after the other
  settle();
  EXPECT_EQ(told("white", "state"), "in step");
  EXPECT_EQ(told("white", "present"), "5");
}

TEST_F(BridgeTest, CountsOnceWhatIsSentForANewTime) {
  start();
  put(kWhite, "192.0.2.1");
  settle();
  for (const auto lasts : {48h, 60h}) {
    put(kWhite, "192.0.2.1", lasts);
    put(kWhite, "192.0.2.2", lasts);
    settle();
    EXPECT_EQ(told("white", "present"), "2");
  }
  bridge->read_back();
  bridge->step();
  put(kWhite, "192.0.2.2", 72h);
  settle();
  EXPECT_EQ(told("white", "present"), "2");
  EXPECT_EQ(white.added, 6u);
}

TEST_F(BridgeTest, DoesNotBelieveWhatWasRemovedDuringAReading) {
  for (int i = 1; i <= 5; ++i) put(kWhite, ("192.0.2." + std::to_string(i)).c_str());
  white.piece = 1;
  start();
  pass(2min);
  bridge->read_back();
  bridge->step();
  ASSERT_TRUE(bridge->receive(0, helper.answer(bridge->link(0).output())));
  white.fate = [] { return Fate::lied; };
  erase(kWhite, "192.0.2.3");
  settle();
  EXPECT_TRUE(white.has("192.0.2.3"));
  white.fate = [] { return Fate::done; };
  bridge->read_back();
  settle();
  EXPECT_FALSE(white.has("192.0.2.3"));
}

TEST_F(BridgeTest, RepairsWhenAnOperatorSaysSo) {
  put(kWhite, "192.0.2.1");
  start();
  white.entries.clear();
  bridge->read_back();
  settle();
  EXPECT_EQ(white.text(), "192.0.2.1");
}

TEST_F(BridgeTest, LeavesAloneWhatOthersPutThere) {
  white.put("198.51.100.1");
  put(kWhite, "192.0.2.1");
  start();
  pass(2h);
  EXPECT_EQ(white.text(), "192.0.2.1 198.51.100.1");
  EXPECT_EQ(told("white", "foreign"), "1");
}

TEST_F(BridgeTest, LeavesAloneWhatOthersPutIntoAWhiteNetwork) {
  put(kWhite, "192.0.2.0/30");
  start();
  white.put("192.0.2.1");
  pass(2h);
  EXPECT_EQ(white.text(), "192.0.2.0/30 192.0.2.1");
  EXPECT_EQ(told("white", "foreign"), "1");
  put(kTrapped, "192.0.2.1");
  settle();
  bridge->read_back();
  settle();
  EXPECT_EQ(white.text(), "192.0.2.0 192.0.2.2/31") << "but nobody passes who is trapped";
}

TEST_F(BridgeTest, TakesOutWhatEndedWhileDeferdWasAway) {
  put(kWhite, "192.0.2.1", 1h);
  put(kWhite, "192.0.2.2", 36h);
  start();
  pass(2min);  // seen to be right
  stop();
  host.clock().advance(2h);
  while (*host.engine().sweep() > 0) {
  }
  white.put("198.51.100.1");
  start();
  EXPECT_EQ(white.text(), "192.0.2.2 198.51.100.1");
}

TEST_F(BridgeTest, TakesOutWhatEndedButWasNotSweptBeforeTheStart) {
  put(kWhite, "192.0.2.1", 1h);
  put(kWhite, "198.51.100.0/30", 1h);
  put(kTrapped, "203.0.113.9", 1h);
  put(kTrapped, "198.51.100.1");
  start();
  pass(2min);  // seen to be right
  EXPECT_EQ(white.text(), "192.0.2.1 198.51.100.0 198.51.100.2/31");
  stop();
  host.clock().advance(2h);
  start();  // a scan leaves them out
  pass(0s);
  EXPECT_EQ(trapped.text(), "198.51.100.1");
  pass(2h);
  EXPECT_EQ(white.text(), "");
}

TEST_F(BridgeTest, DoesNotBelieveThatSomethingWasRemoved) {
  put(kWhite, "192.0.2.1");
  start();
  pass(2min);
  white.fate = [] { return Fate::lied; };
  erase(kWhite, "192.0.2.1");
  settle();
  EXPECT_EQ(white.text(), "192.0.2.1");
  white.fate = [] { return Fate::done; };
  stop();
  start();  // also after a restart
  EXPECT_EQ(white.text(), "");
}

TEST_F(BridgeTest, TriesAgainWhatFailsAndSaysSo) {
  start();
  white.fate = [] { return Fate::refused; };
  put(kWhite, "192.0.2.1");
  settle();
  EXPECT_EQ(told("white", "state"), "failing");
  EXPECT_EQ(told("white", "error"), "refused");
  EXPECT_EQ(told("white", "pending"), "1");
  EXPECT_EQ(host.log().count("pfbridge.failing"), 1u);
  pass(1s);
  pass(10s);
  EXPECT_EQ(host.log().count("pfbridge.failing"), 1u) << "once until something else is wrong";
  white.fate = [] { return Fate::done; };
  pass(60s);
  EXPECT_EQ(white.text(), "192.0.2.1");
  EXPECT_EQ(told("white", "state"), "in step");
  EXPECT_TRUE(host.log().contains("pfbridge.recovered"));
}

TEST_F(BridgeTest, GoesOnRemovingWhileAddingFails) {
  put(kWhite, "192.0.2.1");
  start();
  put(kWhite, "192.0.2.2");
  white.fate = [&, first = true]() mutable { return std::exchange(first, false) ? Fate::refused : Fate::done; };
  settle();
  EXPECT_EQ(white.text(), "192.0.2.1");
  erase(kWhite, "192.0.2.1");
  settle();
  EXPECT_EQ(white.text(), "");
}

TEST_F(BridgeTest, TellsOfATableThatIsMissing) {
  white.broken = "no rule uses it";
  put(kWhite, "192.0.2.1");
  start();
  EXPECT_EQ(told("white", "error"), "no rule uses it");
  white.broken.clear();
  pass(60s);
  EXPECT_EQ(white.text(), "192.0.2.1");
}

TEST_F(BridgeTest, FillsATableThatCannotBeReadBack) {
  put(kWhite, "192.0.2.1");
  white.unreadable = "too many entries";
  start();
  EXPECT_EQ(white.text(), "192.0.2.1");
  erase(kWhite, "192.0.2.1");
  put(kWhite, "192.0.2.2");
  settle();
  EXPECT_EQ(white.text(), "192.0.2.2");
  EXPECT_EQ(told("white", "state"), "failing");
  EXPECT_EQ(told("white", "error"), "too many entries");
  white.unreadable.clear();
  pass(2min);
  EXPECT_EQ(told("white", "state"), "in step");
}

TEST_F(BridgeTest, ForgetsWhatItRemovedFromATableThatCannotBeReadBack) {
  put(kWhite, "192.0.2.1");
  start();
  pass(2min);
  white.unreadable = "too many entries";
  bridge->read_back();
  settle();
  erase(kWhite, "192.0.2.1");
  settle();
  EXPECT_EQ(white.text(), "");
  white.put("192.0.2.1");  // by somebody else
  white.unreadable.clear();
  pass(2min);
  EXPECT_EQ(white.text(), "192.0.2.1");
}

TEST_F(BridgeTest, TellsOfTablesThatTheHelperDoesNotHave) {
  auto settings = settings_of();
  settings.tables.by_name = {{Set::white, "white"}, {Set::trapped, "trappd"}};
  start(settings);
  EXPECT_EQ(told("trappd", "error"), "the helper has no table of this name");
  EXPECT_EQ(told("trapped", "state"), "(no row)") << "tables that are not named are not used";
}

TEST_F(BridgeTest, FillsTheTablesThatAreNamed) {
  auto settings = settings_of();
  settings.tables.by_name = {{Set::trapped, "white"}};
  put(kTrapped, "192.0.2.1");
  start(settings);
  EXPECT_EQ(white.text(), "192.0.2.1");
}

TEST_F(BridgeTest, GoesOnWhenTheStoreIsBackAgain) {
  start();
  host.break_store({Errc::io, "disk full"});
  pass(5s);
  EXPECT_EQ(host.log().count("pfbridge.store_failing"), 1u);
  EXPECT_TRUE(helper.is_connected());
  host.mend_store();
  put(kWhite, "192.0.2.1");
  pass(2s);
  EXPECT_EQ(white.text(), "192.0.2.1");
}

TEST_F(BridgeTest, CountsInMetrics) {
  put(kWhite, "192.0.2.1");
  start();
  pass(2s);
  EXPECT_EQ(host.gauge_value("deferd_pfbridge_wanted", {{"table", "white"}}), 1);
  EXPECT_EQ(host.gauge_value("deferd_pfbridge_present", {{"table", "white"}}), 1);
  EXPECT_EQ(host.gauge_value("deferd_pfbridge_pending", {{"table", "white"}}), 0);
  EXPECT_EQ(host.gauge_value("deferd_pfbridge_alarm", {{"table", "white"}}), 0);
  EXPECT_EQ(host.gauge_value("deferd_pfbridge_connected"), 1);
  EXPECT_EQ(host.count("deferd_pfbridge_entries_total", {{"table", "white"}, {"operation", "add"}}), 1u);
  disconnect();
  put(kWhite, "192.0.2.2");
  settle();
  pass(7s);
  EXPECT_EQ(host.gauge_value("deferd_pfbridge_alarm", {{"table", "white"}}), 1);
  EXPECT_EQ(host.gauge_value("deferd_pfbridge_pending", {{"table", "white"}}), 1);
  EXPECT_GE(host.gauge_value("deferd_pfbridge_lag_seconds", {{"table", "white"}}), 7);
  EXPECT_EQ(told("white", "state"), "away");
  EXPECT_EQ(told("white", "error"), "gone");
}

TEST_F(BridgeTest, ManyAddressesNeedManyFrames) {
  for (unsigned i = 0; i < 25'000; ++i) {
    TableRow row;
    row.prefix = Prefix(Address::v4(0x0A000000 + 2 * i));
    row.expires = host.clock().now() + 36h;
    or_throw(host.tables().put(kWhite, row));
  }
  start();
  EXPECT_EQ(white.entries.size(), 25'000u);
  disconnect();
  connect();
  settle();
  EXPECT_EQ(white.added, 25'000u) << "it was all there";
}

}  // namespace
}  // namespace deferd::pfbridge
