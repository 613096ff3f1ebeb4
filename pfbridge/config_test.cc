#include "pfbridge/config.h"

#include <gtest/gtest.h>

#include "config/yaml.h"

namespace deferd::pfbridge {
namespace {

class ConfigTest : public testing::Test {
 protected:
  /// What is wrong; empty if nothing.
  std::string read(const std::string& text) {
    Problems problems;
    const auto value = parse_yaml(text, problems);
    if (value) config = Config::schema().read(*value, problems);
    return problems.to_string("pf");
  }
  std::vector<std::string> names(const std::string& helper) {
    EXPECT_EQ(read("helper: " + helper + "\n"), "");
    std::vector<std::string> all;
    for (const auto& place : Settings::of(config).helpers) all.push_back(place.name());
    return all;
  }

  Config config;
};

using Names = std::vector<std::string>;

TEST_F(ConfigTest, TakesHelpersOfAllKinds) {
  EXPECT_EQ(names("unix:/run/deferd/helper.sock"), Names{"unix:/run/deferd/helper.sock"});
  EXPECT_EQ(names("[ssh, fw, deferd-helper, --stdio]"), Names{"ssh fw deferd-helper --stdio"});
  EXPECT_EQ(names("['unix:/run/a', 'unix:/run/b']"), (Names{"unix:/run/a", "unix:/run/b"}));
  EXPECT_EQ(names("['unix:/run/a', [ssh, fw, deferd-helper]]"), (Names{"unix:/run/a", "ssh fw deferd-helper"}));
  EXPECT_EQ(names("[[ssh, fw1, helper], [ssh, fw2, helper]]"), (Names{"ssh fw1 helper", "ssh fw2 helper"}));
}

TEST_F(ConfigTest, SaysWhatIsWrong) {
  EXPECT_NE(read("tables: {white: white}\n").find("'helper' is missing"), std::string::npos);
  EXPECT_NE(read("helper: /run/helper.sock\n").find("must be unix:/path"), std::string::npos);
  EXPECT_NE(read("helper: unix:helper.sock\n").find("must be unix:/path"), std::string::npos);
  EXPECT_NE(read("helper: unix:/" + std::string(200, 'x') + "\n").find("too long for a socket"), std::string::npos);
  EXPECT_NE(read("helper: ['unix:/run/a', 'unix:/run/a']\n").find("twice"), std::string::npos);
  EXPECT_NE(read("helper: ['unix:/run/a', x]\n").find("must be unix:/path"), std::string::npos);
  EXPECT_NE(read("helper: {a: b}\n").find("must be unix:/path"), std::string::npos);
  EXPECT_NE(read("helper: unix:/run/a\ntables: {whit: white}\n").find("'whit' is none of white, trapped, black, exempt"),
            std::string::npos);
  EXPECT_NE(read("helper: unix:/run/a\ntables: {white: a, trapped: a}\n").find("can hold one of ours only"), std::string::npos);
  EXPECT_NE(read("helper: unix:/run/a\nwatch: {helper: 'unix:/run/a'}\n").find("another one captures"), std::string::npos);
  EXPECT_NE(read("helper: unix:/run/a\nwatch: {helper: fw}\n").find("watch.helper: must be unix:/path"), std::string::npos);
}

TEST_F(ConfigTest, NamesATableForEachSet) {
  ASSERT_EQ(read("helper: unix:/run/a\ntables: {white: w, trapped: t, black: b, exempt: e}\n"), "");
  EXPECT_EQ(
      Settings::of(config).tables.by_name,
      (std::vector<std::pair<Set, std::string>>{{Set::white, "w"}, {Set::trapped, "t"}, {Set::black, "b"}, {Set::exempt, "e"}}));
}

TEST_F(ConfigTest, IsTheSameToTheHelpersWhateverElseChanges) {
  ASSERT_EQ(read("helper: unix:/run/a\nlease: 1m\n"), "");
  const auto one = Settings::of(config);
  ASSERT_EQ(read("helper: unix:/run/a\nlease: 2m\nwatch: {outbound: off}\n"), "");
  EXPECT_EQ(Settings::of(config), one);
  ASSERT_EQ(read("helper: unix:/run/a\nkeep_foreign: off\n"), "");
  EXPECT_NE(Settings::of(config), one);
}

}  // namespace
}  // namespace deferd::pfbridge
