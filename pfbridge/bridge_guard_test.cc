// What is never removed without an operator's word.
#include "pfbridge/bridge_fixture.h"

namespace deferd::pfbridge {
namespace {

class BridgeGuardTest : public BridgeTest {
 protected:
  static Settings ours_alone() {
    SyncRules rules;
    rules.keep_foreign = false;
    return settings_of(rules);
  }
  /// In the packet filter's table, and in ours if `known`.
  void fill(unsigned count, bool known) {
    for (unsigned i = 0; i < count; ++i) {
      const Prefix prefix(Address::v4(0x0A000000 + i));
      white.put(prefix.to_string().c_str());
      if (known) put(kWhite, prefix.to_string().c_str());
    }
  }
};

TEST_F(BridgeGuardTest, RemovesWhatIsForeignIfToldTo) {
  fill(400, true);
  start(ours_alone());
  white.put("198.51.100.1");
  bridge->read_back();
  settle();
  EXPECT_EQ(white.entries.size(), 400u);
}

TEST_F(BridgeGuardTest, StopsBeforeMoreThanATenthIsRemoved) {
  fill(400, true);
  start(ours_alone());
  for (unsigned i = 0; i < 50; ++i) white.put(("198.51.100." + std::to_string(i)).c_str());
  put(kWhite, "192.0.2.1");
  bridge->read_back();
  settle();
  EXPECT_EQ(white.entries.size(), 451u) << "nothing went, what was missing came";
  EXPECT_EQ(told("white", "state"), "held");
  EXPECT_EQ(told("white", "held"), "50");
  EXPECT_TRUE(host.log().contains("pfbridge.held"));
  bridge->adopt();
  settle();
  EXPECT_EQ(white.entries.size(), 401u);
  EXPECT_EQ(told("white", "state"), "in step");
}

TEST_F(BridgeGuardTest, DoesNotMindFewerThanFifty) {
  fill(40, true);
  start(ours_alone());
  for (unsigned i = 0; i < 49; ++i) white.put(("198.51.100." + std::to_string(i)).c_str());
  bridge->read_back();
  settle();
  EXPECT_EQ(white.entries.size(), 40u);
}

TEST_F(BridgeGuardTest, StopsIfTheStoreIsNew) {
  fill(3, false);  // put there by a deferd with another store
  put(kWhite, "192.0.2.1");
  start(ours_alone());
  EXPECT_EQ(white.entries.size(), 4u);
  EXPECT_EQ(told("white", "state"), "held");
  stop();
  start(ours_alone());
  EXPECT_EQ(told("white", "state"), "held") << "a restart is no operator's word";
  bridge->adopt();
  settle();
  EXPECT_EQ(white.text(), "192.0.2.1");
  pass(2min);  // seen to be right
  white.put("198.51.100.1");
  stop();
  start(ours_alone());
  EXPECT_EQ(white.text(), "192.0.2.1") << "the store is known now";
}

TEST_F(BridgeGuardTest, KeepsAsForeignWhatANewStoreDoesNotKnowOnceAnOperatorSaysSo) {
  fill(3, false);
  start();
  EXPECT_EQ(told("white", "state"), "held");
  stop();
  start();
  EXPECT_EQ(told("white", "held"), "3") << "a restart is no operator's word";
  EXPECT_EQ(told("trapped", "state"), "in step") << "nothing was in it";
  EXPECT_EQ(bridge->adopt(), 1u);
  settle();
  EXPECT_EQ(white.entries.size(), 3u);
  EXPECT_EQ(told("white", "foreign"), "3");
  EXPECT_EQ(told("white", "state"), "in step");
  stop();
  start();
  EXPECT_EQ(told("white", "state"), "in step");
}

TEST_F(BridgeGuardTest, DoesNotTakeAWordForWhatComesLater) {
  fill(400, true);
  start(ours_alone());
  EXPECT_EQ(bridge->adopt(), 0u) << "nothing is held";
  const auto add = [&](unsigned from) {
    for (unsigned i = from; i < from + 60; ++i) white.put(("198.51.100." + std::to_string(i)).c_str());
  };
  add(0);
  bridge->read_back();
  settle();
  EXPECT_EQ(told("white", "held"), "60");
  EXPECT_EQ(bridge->adopt(), 1u);
  disconnect();  // before it was read
  EXPECT_EQ(bridge->adopt(), 0u) << "the helper is not there";
  add(100);
  connect();
  settle();
  EXPECT_EQ(told("white", "held"), "120");
  EXPECT_EQ(white.entries.size(), 520u);
}

TEST_F(BridgeGuardTest, DoesNotTakeWordsForATableThatCannotBeRead) {
  fill(400, true);
  start(ours_alone());
  for (unsigned i = 0; i < 60; ++i) white.put(("198.51.100." + std::to_string(i)).c_str());
  bridge->read_back();
  settle();
  white.unreadable = "too many entries";
  bridge->adopt();
  settle();
  white.unreadable.clear();
  pass(2min);
  EXPECT_EQ(told("white", "held"), "60");
}

TEST_F(BridgeGuardTest, RemovesWithoutAskingWhatAnEventExplains) {
  fill(400, true);
  start();
  pass(2min);
  disconnect();
  for (unsigned i = 0; i < 200; ++i) erase(kWhite, Prefix(Address::v4(0x0A000000 + i)).to_string().c_str());
  settle();
  connect();
  settle();
  EXPECT_EQ(white.entries.size(), 200u);
}

TEST_F(BridgeGuardTest, TakesOutOldEntriesOfBlackWhoeverPutThemThere) {
  black.put("198.51.100.1");
  list({"192.0.2.1"});
  start();
  EXPECT_EQ(black.text(), "192.0.2.1");
}

TEST_F(BridgeGuardTest, DoesNotTouchBlackWhileNobodyShowsLists) {
  black.put("198.51.100.1");
  start();
  EXPECT_EQ(black.text(), "198.51.100.1");
}

TEST_F(BridgeGuardTest, StopsIfAHugeListIsNotTheOneThatFilledTheTable) {
  start();
  for (unsigned i = 0; i < 60; ++i) black.put(("198.51.100." + std::to_string(i)).c_str());
  const auto show = [&](std::uint32_t base) {
    PrefixSetBuilder builder;
    for (std::uint32_t i = 0; i <= TableSync::kMostShown; ++i) builder.add(Prefix(Address::v4(base + 2 * i)));
    host.sets().show(kBlack, std::make_shared<const PrefixSet>(builder.build()));
  };
  show(0x0A000000);  // the plugin that shows lists takes longer to load them than the helper to greet
  settle();
  EXPECT_EQ(told("black", "held"), "60");
  EXPECT_EQ(black.entries.size(), TableSync::kMostShown + 61) << "what is missing comes all the same";
  show(0x0B000000);
  settle();
  EXPECT_EQ(told("black", "state"), "held") << "a change of the list does not explain what was held before";
  bridge->adopt();
  settle();
  EXPECT_EQ(black.entries.size(), TableSync::kMostShown + 1);
  show(0x0A000000);
  settle();
  EXPECT_EQ(black.entries.size(), TableSync::kMostShown + 1) << "a list that changes as a whole is followed";
}

TEST_F(BridgeGuardTest, StopsIfAListIsSuddenlyGoneAtARestart) {
  for (unsigned i = 0; i < 60; ++i) black.put(("198.51.100." + std::to_string(i)).c_str());
  list({});
  start();
  EXPECT_EQ(black.entries.size(), 60u);
  EXPECT_EQ(told("black", "state"), "held");
}

}  // namespace
}  // namespace deferd::pfbridge
