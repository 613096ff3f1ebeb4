#include "host/plugin_entry.h"

#include <gtest/gtest.h>

#include "config/yaml.h"

namespace deferd {
namespace {

std::vector<PluginEntry> read(std::string_view text, Problems& problems) {
  const auto value = parse_yaml(text, problems);
  return read_plugin_entries(*value, problems);
}

TEST(PluginEntry, KeepsTheOrderAndTellsHostSettingsFromThePluginsOwn) {
  Problems problems;
  const auto entries =
      read("- rules: {rules: []}\n- greylist: {pass_time: 25m}\n  as: strict\n  shadow: yes\n  budget: 2s\n- tarpit\n", problems);
  ASSERT_FALSE(problems.failed()) << problems.to_string("f");
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].name(), "rules");
  EXPECT_EQ(entries[1].plugin, "greylist");
  EXPECT_EQ(entries[1].name(), "strict");
  EXPECT_TRUE(entries[1].options.shadow);
  EXPECT_EQ(entries[1].config.find("pass_time")->text(), "25m");
  EXPECT_EQ(entries[2].name(), "tarpit");
}

TEST(PluginEntry, TwoOfOneNameAreRefusedNamingTheLine) {
  Problems problems;
  read("- greylist: {}\n- greylist: {}\n", problems);
  EXPECT_EQ(
      problems.to_string("f"),
      "f:2:3: plugins[1]: 'greylist' was named in line 1 already; give one of them another name with `as: NAME` beside it\n");
}

TEST(PluginEntry, TwoPluginsUnderOneDashAreRefused) {
  Problems problems;
  read("- greylist: {}\n  rules: {}\n", problems);
  EXPECT_TRUE(problems.failed());
  EXPECT_NE(problems.to_string("f").find("f:2:3: plugins[0]: 'rules' is no setting of the host"), std::string::npos);
}

TEST(PluginEntry, AListWithoutNamesIsRefused) {
  Problems problems;
  read("- {as: x}\n- [a]\n", problems);
  EXPECT_EQ(problems.list().size(), 2u);
}

}  // namespace
}  // namespace deferd
