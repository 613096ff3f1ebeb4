#include "config_line.h"

#include <gtest/gtest.h>

namespace deferd::blacklist {
namespace {

/// The list's prefixes, blank-separated; `error` for a wrong line.
std::string prefixes(std::string_view text) {
  const auto line = parse_config_line(text);
  if (!line) return "error";
  std::string all;
  for (const auto& prefix : line->set) all += (all.empty() ? "" : " ") + prefix.to_string();
  return all;
}

TEST(ConfigLine, TakesTheFormOfToday) {
  const auto line = parse_config_line(R"(uatraps;"Your address %A is listed\nSee \"us\"";inet;2;192.0.2.0/24;198.51.100.7/32)");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->tag, "uatraps");
  EXPECT_EQ(line->message, R"(Your address %A is listed\nSee \"us\")");
  EXPECT_EQ(line->entries, 2u);
  EXPECT_EQ(prefixes(R"(a;"m";inet;2;192.0.2.0/24;198.51.100.7/32)"), "192.0.2.0/24 198.51.100.7");
}

TEST(ConfigLine, TakesTheOlderForm) {
  EXPECT_EQ(prefixes(R"(a;"m";192.0.2.0/24;198.51.100.7/32)"), "192.0.2.0/24 198.51.100.7");
  EXPECT_EQ(prefixes(R"(a;"m";192.0.2.0/24;198.51.100.7/32;)"), "192.0.2.0/24 198.51.100.7");
}

TEST(ConfigLine, TakesIpv6Groups) {
  EXPECT_EQ(prefixes(R"(a;"m";inet6;1;2001:db8::/32)"), "2001:db8::/32");
  EXPECT_EQ(prefixes(R"(a;"m";inet;1;192.0.2.0/24;inet6;1;2001:db8::/32)"), "192.0.2.0/24 2001:db8::/32");
  EXPECT_EQ(prefixes(R"(a;"m";inet6;1;2001:db8::/32;inet;1;192.0.2.0/24)"), "192.0.2.0/24 2001:db8::/32");
  EXPECT_EQ(prefixes(R"(a;"m";inet;0;inet6;1;2001:db8::/32)"), "2001:db8::/32");
}

TEST(ConfigLine, MasksHostBits) { EXPECT_EQ(prefixes(R"(a;"m";inet;1;192.0.2.77/24)"), "192.0.2.0/24"); }

TEST(ConfigLine, EmptiesAListByItsTagAlone) {
  const auto line = parse_config_line("spamd-greytrap;");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->tag, "spamd-greytrap");
  EXPECT_TRUE(line->set.empty());
}

TEST(ConfigLine, TakesAMessageWithSemicolonsAndQuotes) {
  const auto line = parse_config_line(R"(a;"one; \"two\"; \\";inet;1;192.0.2.0/24)");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->message, R"(one; \"two\"; \\)");
}

TEST(ConfigLine, NeedsALineEndUnlessItCounts) {
  EXPECT_TRUE(parse_config_line(R"(a;"m";inet;1;192.0.2.0/24)", LineEnd::missing));
  for (const auto* text : {"a;", R"(a;"m";192.0.2.0/24)", R"(a;"m";192.0.2.0/24;198.51.100.7/32)", R"(a;"m";192.0.2.0/24;)"}) {
    EXPECT_TRUE(parse_config_line(text)) << text;
    EXPECT_FALSE(parse_config_line(text, LineEnd::missing)) << text;
  }
}

TEST(ConfigLine, RefusesWhatIsNoWholeLine) {
  for (const auto* text : {
           "",
           "a",
           ";",
           "a b;",
           "a;m;inet;1;192.0.2.0/24",
           R"(a;"m)",
           R"(a;"m\")",
           R"(a;"m"inet;1;192.0.2.0/24)",
           R"(a;"m";)",
           R"(a;"m";inet;2;192.0.2.0/24)",
           R"(a;"m";inet;1;192.0.2.0/24;198.51.100.0/24)",
           R"(a;"m";inet;0)",
           R"(a;"m";inet;)",
           R"(a;"m";inet;x;192.0.2.0/24)",
           R"(a;"m";inet;-1;192.0.2.0/24)",
           R"(a;"m";inet;4294967296;192.0.2.0/24)",
           R"(a;"m";inet;1;192.0.2.0/24;inet;1;192.0.2.0/24)",
           R"(a;"m";inet;1;2001:db8::/32)",
           R"(a;"m";inet6;1;192.0.2.0/24)",
           R"(a;"m";inet;1;192.0.2.0/0)",
           R"(a;"m";inet;1;192.0.2.0/33)",
           R"(a;"m";inet;1;192.0.2.0)",
           R"(a;"m";192.0.2.0/24;x)",
       })
    EXPECT_EQ(prefixes(text), "error") << text;
  EXPECT_EQ(prefixes(std::string(65, 'a') + R"(;"m";192.0.2.0/24)"), "error");
  EXPECT_EQ(prefixes("a;\"" + std::string(10000, 'm') + R"(";192.0.2.0/24)"), "error");
}

}  // namespace
}  // namespace deferd::blacklist
