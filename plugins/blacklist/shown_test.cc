#include "shown.h"

#include <gtest/gtest.h>

#include "blacklist.h"
#include "config/yaml.h"
#include "deferd/testing/fake_host.h"
#include "testing_support.h"

namespace deferd::blacklist {
namespace {

class ShownTest : public ::testing::Test {
 protected:
  void configure(const std::string& yaml) {
    Problems problems;
    const auto value = parse_yaml(yaml + "keep: " + folder.file("copies") + "\n", problems);
    ASSERT_TRUE(value) << problems.to_string("yaml");
    const auto config = Config::schema().read(*value, problems);
    ASSERT_FALSE(problems.failed()) << problems.to_string("yaml");
    plugin = std::make_unique<Blacklist>(config, host);
  }
  /// The prefixes that other plugins see.
  std::string shown() {
    const auto set = host.sets().get(kBlack);
    if (!set) return "nothing";
    std::string all;
    for (const Prefix& prefix : *set) all += (all.empty() ? "" : " ") + prefix.to_string();
    return all;
  }

  FakeHost host{"blacklist"};
  TestFolder folder;
  std::unique_ptr<Blacklist> plugin;
};

TEST_F(ShownTest, UnitesListsAndTakesWhiteOnesOut) {
  shown();  // from now on somebody wants it
  configure(R"(
lists:
  - {name: traps, entries: [192.0.2.0/30, "2001:db8::/32"]}
  - {name: mine, entries: [198.51.100.7], action: tag}
  - {name: friends, white: yes, entries: [192.0.2.1], only: [traps]}
  - {name: partners, entries: [203.0.113.0/24], action: accept}
)");
  EXPECT_EQ(shown(), "192.0.2.0 192.0.2.2/31 198.51.100.7 2001:db8::/32");
}

TEST_F(ShownTest, LeavesOutListsWhoseWhiteListWasNeverLoaded) {
  shown();
  configure(R"(
lists:
  - {name: traps, entries: [192.0.2.0/30]}
  - {name: mine, entries: [198.51.100.7]}
  - {name: friends, white: yes, file: /nowhere/to/be/found, only: [traps]}
)");
  EXPECT_EQ(shown(), "198.51.100.7");
}

TEST_F(ShownTest, MakesNothingThatNobodyWants) {
  configure("lists: [{name: mine, entries: [198.51.100.7]}]\n");
  const auto version = host.sets().version();
  EXPECT_EQ(version, 0u);
  EXPECT_EQ(shown(), "nothing");  // it was asked for only now
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (shown() == "nothing" && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  EXPECT_EQ(shown(), "198.51.100.7");
}

}  // namespace
}  // namespace deferd::blacklist
