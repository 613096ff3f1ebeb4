#include "hits.h"

#include <gmock/gmock.h>

namespace deferd::blacklist {
namespace {

using ::testing::ElementsAre;

class HitsTest : public ::testing::Test {
 protected:
  Hits hits{*Address::parse("192.0.2.7")};
};

TEST_F(HitsTest, TellsAllMessagesAndDoesWhatTheFirstListSays) {
  hits.add("traps", ListAction::defer, "Your address %A is listed\\nSee us\\n", {"own"});
  hits.add("mine", ListAction::reject, "Go away", {});
  const auto verdict = hits.verdict();
  EXPECT_EQ(verdict.action, Action::defer);
  EXPECT_EQ(verdict.reply.code, 450);
  EXPECT_EQ(verdict.reply.enhanced, "4.7.1");
  EXPECT_EQ(verdict.reply.text, "Your address 192.0.2.7 is listed\nSee us\nGo away");
  EXPECT_EQ(verdict.reason, "on traps, mine");
  EXPECT_THAT(verdict.tags, ElementsAre("blacklist.hit", "list=traps", "own", "list=mine"));
}

TEST_F(HitsTest, RejectsIfTheFirstListSaysSo) {
  hits.add("mine", ListAction::reject, "Go away", {});
  hits.add("traps", ListAction::defer, "Later", {});
  EXPECT_EQ(hits.verdict().action, Action::reject);
  EXPECT_EQ(hits.verdict().reply.code, 550);
  EXPECT_EQ(hits.verdict().reply.text, "Go away\nLater");
}

TEST_F(HitsTest, OnlyTagsIfNoListDoesMore) {
  hits.add("dynamic", ListAction::tag, "not said", {"looks.dynamic"});
  const auto verdict = hits.verdict();
  EXPECT_EQ(verdict.action, Action::pass);
  EXPECT_EQ(verdict.reply.text, "");
  EXPECT_THAT(verdict.tags, ElementsAre("list=dynamic", "looks.dynamic"));
}

TEST_F(HitsTest, LetsTheFirstListThatDoesMoreThanTagDecide) {
  hits.add("dynamic", ListAction::tag, "not said", {});
  hits.add("friends", ListAction::accept, "not said", {});
  hits.add("traps", ListAction::defer, "said to strangers", {});
  const auto verdict = hits.verdict();
  EXPECT_EQ(verdict.action, Action::accept);
  EXPECT_EQ(verdict.reason, "on dynamic, friends, traps");
  EXPECT_THAT(verdict.tags, ElementsAre("list=dynamic", "list=friends", "list=traps"));
}

TEST_F(HitsTest, SaysEachTextOnceAndNotWithoutEnd) {
  hits.add("one", ListAction::defer, "Listed", {});
  hits.add("two", ListAction::defer, "Listed", {});
  EXPECT_EQ(hits.verdict().reply.text, "Listed");
  for (int i = 0; i < 50; ++i) hits.add("more", ListAction::defer, "Listed " + std::to_string(i), {});
  const auto text = hits.verdict().reply.text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 19);
}

}  // namespace
}  // namespace deferd::blacklist
