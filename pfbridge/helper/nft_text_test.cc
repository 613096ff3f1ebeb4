#include "pfbridge/helper/nft_text.h"
#include "pfbridge/helper/entry_of.h"

#include <gtest/gtest.h>

namespace deferd::bridge {
namespace {

const NftSets kNoLongNets{"inet", "deferd", "white4", "white6", "nets4", ""};

TEST(NftTextTest, SetsTheTimeOfOneThatIsThereAnew) {
  EXPECT_EQ(nft_add(kNoLongNets, std::vector<Row>{{entry("192.0.2.1"), 60}, {entry("2001:db8::1"), 0}, {entry("192.0.2.2"), 0}}),
            "add element inet deferd white4 { 192.0.2.1, 192.0.2.2 }\n"
            "delete element inet deferd white4 { 192.0.2.1, 192.0.2.2 }\n"
            "add element inet deferd white4 { 192.0.2.1 timeout 60s, 192.0.2.2 }\n"
            "add element inet deferd white6 { 2001:db8::1 }\n"
            "delete element inet deferd white6 { 2001:db8::1 }\n"
            "add element inet deferd white6 { 2001:db8::1 }\n");
}

TEST(NftTextTest, RemovesWhatMayNotBeThere) {
  EXPECT_EQ(nft_remove(kNoLongNets, std::vector{entry("192.0.2.1"), entry("198.51.100.0/24"), entry("192.0.2.2")}),
            "add element inet deferd white4 { 192.0.2.1, 192.0.2.2 }\n"
            "delete element inet deferd white4 { 192.0.2.1, 192.0.2.2 }\n"
            "add element inet deferd nets4 { 198.51.100.0/24 }\n"
            "delete element inet deferd nets4 { 198.51.100.0/24 }\n");
}

TEST(NftTextTest, LeavesOutWhatHasNoSet) {
  EXPECT_EQ(nft_remove(kNoLongNets, std::vector{entry("2001:db8::/32")}), "");
  EXPECT_EQ(nft_add(kNoLongNets, std::vector<Row>{{entry("2001:db8::/32"), 0}}), "");
}

TEST(NftTextTest, PutsHostsAmongPrefixesWhereTheyHaveNoSet) {
  const NftSets sets{"inet", "deferd", "", "", "exempt4", "exempt6"};
  EXPECT_FALSE(in_hosts(sets, entry("192.0.2.1"))) << "so few are changed at once";
  EXPECT_TRUE(in_hosts({"inet", "deferd", "white4", "", "", ""}, entry("192.0.2.1")));
  EXPECT_EQ(nft_remove(sets, std::vector{entry("192.0.2.1"), entry("198.51.100.0/24"), entry("2001:db8::1")}),
            "add element inet deferd exempt4 { 192.0.2.1, 198.51.100.0/24 }\n"
            "delete element inet deferd exempt4 { 192.0.2.1, 198.51.100.0/24 }\n"
            "add element inet deferd exempt6 { 2001:db8::1 }\n"
            "delete element inet deferd exempt6 { 2001:db8::1 }\n");
}

TEST(NftTextTest, FindsTheRuleThatUsesASet) {
  const char* const rules = "chain in {\n\t\tip saddr @white4 accept\n\t\tip6 saddr @white6-old accept\n\t}\n";
  EXPECT_TRUE(nft_rule_uses(rules, "white4"));
  EXPECT_FALSE(nft_rule_uses(rules, "white6"));
  EXPECT_FALSE(nft_rule_uses(rules, "white"));
  EXPECT_FALSE(nft_rule_uses("", "white"));
}

}  // namespace
}  // namespace deferd::bridge
