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
