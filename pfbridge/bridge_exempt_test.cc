// Who is listed, trapped or exempt, and what that makes of the tables.
#include "pfbridge/bridge_fixture.h"

namespace deferd::pfbridge {
namespace {

class BridgeExemptTest : public BridgeTest {};

TEST_F(BridgeExemptTest, KeepsTrappedAndListedClientsOutOfWhite) {
  put(kWhite, "192.0.2.1");
  put(kWhite, "192.0.2.2");
  put(kWhite, "192.0.2.3");
  start();
  put(kTrapped, "192.0.2.1", 1h);
  list({"192.0.2.2"});
  settle();
  EXPECT_EQ(white.text(), "192.0.2.3");
  EXPECT_EQ(black.text(), "192.0.2.2");
  list({"192.0.2.3"});
  pass(2h);
  EXPECT_EQ(white.text(), "192.0.2.1 192.0.2.2") << "each comes back when it is trapped or listed no longer";
  EXPECT_EQ(black.text(), "192.0.2.3");
}

TEST_F(BridgeExemptTest, SplitsAWhiteNetworkAroundATrappedClient) {
  put(kWhite, "192.0.2.0/30");
  start();
  EXPECT_EQ(white.text(), "192.0.2.0/30");
  put(kTrapped, "192.0.2.1");
  settle();
  EXPECT_EQ(white.text(), "192.0.2.0 192.0.2.2/31");
  erase(kTrapped, "192.0.2.1");
  settle();
  EXPECT_EQ(white.text(), "192.0.2.0/30");
}

TEST_F(BridgeExemptTest, CountsWhoIsExemptAsNeitherTrappedNorListed) {
  put(kWhite, "192.0.2.0/30");
  put(kTrapped, "192.0.2.1");
  put(kTrapped, "203.0.113.0/30");
  list({"192.0.2.2", "198.51.100.1"});
  exempt({"192.0.2.1", "192.0.2.2", "203.0.113.1", "198.18.0.0/15"});
  start();
  EXPECT_EQ(white.text(), "192.0.2.0/30");
  EXPECT_EQ(trapped.text(), "203.0.113.0 203.0.113.2/31");
  EXPECT_EQ(black.text(), "198.51.100.1");
  exempt({"192.0.2.1"});
  settle();
  EXPECT_EQ(white.text(), "192.0.2.0/31 192.0.2.3");
  EXPECT_EQ(trapped.text(), "203.0.113.0/30");
  EXPECT_EQ(black.text(), "192.0.2.2 198.51.100.1");
  stop();
  exempt({"203.0.113.2/31"});  // while deferd does not run
  start();
  EXPECT_EQ(white.text(), "192.0.2.0 192.0.2.3");
  EXPECT_EQ(trapped.text(), "192.0.2.1 203.0.113.0/31");
  EXPECT_TRUE(bridge->in_step());
}

TEST_F(BridgeExemptTest, KeepsATableOfThem) {
  exempt({"192.0.2.1", "192.0.2.128/25", "2001:db8::/32"});
  list({"192.0.2.1"});
  start();
  EXPECT_EQ(spared.text(), "192.0.2.1 192.0.2.128/25 2001:db8::/32");
  EXPECT_EQ(spared.entries.begin()->second, 0u) << "for as long as he is exempt";
  EXPECT_EQ(white.text(), "") << "which is another matter than to be white";
  pass(2min);
  exempt({"192.0.2.1", "192.0.2.0/24"});
  settle();
  EXPECT_EQ(spared.text(), "192.0.2.0/24");
  EXPECT_EQ(spared.added + spared.removed, 3u + 4u) << "only what changes is sent";
  EXPECT_EQ(told("exempt", "state"), "in step");
  EXPECT_EQ(told("exempt", "present"), "1");
  pass(2s);
  EXPECT_EQ(host.gauge_value("deferd_pfbridge_wanted", {{"table", "exempt"}}), 1);
  EXPECT_EQ(host.count("deferd_pfbridge_entries_total", {{"table", "exempt"}, {"operation", "remove"}}), 3u);
  exempt({});
  settle();
  EXPECT_EQ(spared.text(), "");
}

TEST_F(BridgeExemptTest, LetsNobodyStayInTheirTableWhoIsNotExempt) {
  spared.put("198.51.100.1");
  start();
  EXPECT_EQ(told("exempt", "state"), "idle");
  EXPECT_EQ(spared.text(), "198.51.100.1") << "while nobody says who is exempt";
  exempt({"192.0.2.1"});
  settle();
  EXPECT_EQ(spared.text(), "192.0.2.1") << "also with keep_foreign: he may have been exempt in a former life of deferd";
  stop();
  exempt({"192.0.2.2"});
  start();
  EXPECT_EQ(spared.text(), "192.0.2.2");
}

TEST_F(BridgeExemptTest, RepairsTheirTableAndSaysWhatIsWrongWithIt) {
  exempt({"192.0.2.1"});
  start();
  pass(2min);
  spared.entries.clear();
  pass(61min);
  EXPECT_EQ(spared.text(), "192.0.2.1");
  spared.broken = "no rule uses it";
  bridge->read_back();
  settle();
  EXPECT_EQ(told("exempt", "error"), "no rule uses it");
  EXPECT_EQ(host.log().count("pfbridge.failing"), 1u);
  pass(2s);
  EXPECT_EQ(host.gauge_value("deferd_pfbridge_alarm", {{"table", "exempt"}}), 1);
}

TEST_F(BridgeExemptTest, RemovesNotMoreOfThemThanTheGuardAllows) {
  for (unsigned i = 0; i < 60; ++i) spared.put(("198.51.100." + std::to_string(i)).c_str());
  exempt({"192.0.2.1"});
  start();
  EXPECT_EQ(told("exempt", "held"), "60");
  EXPECT_EQ(spared.entries.size(), 61u);
  EXPECT_EQ(bridge->adopt(), 1u);
  settle();
  EXPECT_EQ(spared.text(), "192.0.2.1");
}

TEST_F(BridgeExemptTest, FillsTheTableThatIsNamedForThem) {
  auto settings = settings_of();
  settings.tables.by_name = {{Set::exempt, "black"}};
  exempt({"192.0.2.1"});
  list({"203.0.113.1"});
  start(settings);
  EXPECT_EQ(black.text(), "192.0.2.1");
  EXPECT_EQ(spared.text(), "");
}

TEST_F(BridgeExemptTest, TakesOutWhatIsLeftOfASplitNetwork) {
  put(kWhite, "192.0.2.0/30");
  list({"192.0.2.1"});
  start();
  EXPECT_EQ(white.text(), "192.0.2.0 192.0.2.2/31");
  stop();
  list({});
  start();
  EXPECT_EQ(white.text(), "192.0.2.0/30");
}

}  // namespace
}  // namespace deferd::pfbridge
