#include "host/shared_sets.h"

#include <gtest/gtest.h>

#include <optional>

namespace deferd {
namespace {

std::shared_ptr<const PrefixSet> set_of(const char* prefix) {
  PrefixSetBuilder builder;
  builder.add(*Prefix::parse(prefix));
  return std::make_shared<const PrefixSet>(builder.build());
}

TEST(SharedSetsTest, ShowsWhatAnotherPluginShows) {
  SharedSets shared;
  PluginSets lists(shared), bridge(shared);
  EXPECT_EQ(bridge.get(kBlack), nullptr);
  const auto set = set_of("192.0.2.0/24");
  lists.show(kBlack, set);
  EXPECT_EQ(bridge.get(kBlack), set) << "the very same: nothing is copied";
  lists.show(kBlack, nullptr);
  EXPECT_EQ(bridge.get(kBlack), nullptr);
}

TEST(SharedSetsTest, UnitesWhatSeveralShow) {
  SharedSets shared;
  PluginSets one(shared);
  std::optional<PluginSets> other(std::in_place, shared);
  one.show(kBlack, set_of("192.0.2.0/25"));
  other->show(kBlack, set_of("192.0.2.128/25"));
  EXPECT_EQ(*one.get(kBlack), *set_of("192.0.2.0/24"));
  other.reset();  // its plugin is gone
  EXPECT_EQ(*one.get(kBlack), *set_of("192.0.2.0/25"));
}

TEST(SharedSetsTest, TellsWhetherAnybodyAskedAndWhetherAnythingChanged) {
  SharedSets shared;
  PluginSets lists(shared);
  EXPECT_FALSE(lists.wanted(kBlack));
  const auto version = lists.version();
  lists.get(kBlack);
  EXPECT_TRUE(lists.wanted(kBlack));
  EXPECT_EQ(lists.version(), version);
  lists.show(kBlack, set_of("192.0.2.1"));
  EXPECT_NE(lists.version(), version);
}

}  // namespace
}  // namespace deferd
