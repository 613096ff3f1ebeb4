// With the real kernel, in a network namespace of the test's own.
#include "pfbridge/helper/nft_table.h"
#include "pfbridge/helper/entry_of.h"

#include <gtest/gtest.h>
#include <nftables/libnftables.h>
#include <sched.h>

#include <algorithm>
#include <functional>
#include <set>
#include <thread>

namespace deferd::bridge {
namespace {

const NftSets kSets{"inet", "deferd", "white4", "white6", "nets4", "nets6"};

constexpr const char* kRules =
    "table inet deferd {\n"
    " set white4 { type ipv4_addr; flags timeout; }\n"
    " set white6 { type ipv6_addr; flags timeout; }\n"
    " set nets4 { type ipv4_addr; flags interval, timeout; }\n"
    " set nets6 { type ipv6_addr; flags interval, timeout; }\n"
    " set idle { type ipv4_addr; flags timeout; }\n"
    " chain in {\n"
    "  type nat hook prerouting priority dstnat;\n"
    "  ip saddr @white4 accept\n"
    "  ip6 saddr @white6 accept\n"
    "  ip saddr @nets4 accept\n"
    "  ip6 saddr @nets6 accept\n"
    " }\n"
    "}\n";

class Nft {
 public:
  Nft() { nft_ctx_buffer_output(context_); }
  ~Nft() { nft_ctx_free(context_); }
  int run(const std::string& script) { return nft_run_cmd_from_buffer(context_, script.c_str()); }
  std::string output() { return nft_ctx_get_output_buffer(context_); }

 private:
  nft_ctx* context_ = nft_ctx_new(NFT_CTX_DEFAULT);
};

class NftTableTest : public testing::Test {
 protected:
  // A namespace belongs to a thread, and goes with it.
  void in_namespace(const std::function<void(Backend&, Nft&)>& test) {
    bool allowed = true;
    std::thread([&] {
      if (::unshare(CLONE_NEWNET) != 0) {
        allowed = false;
        return;
      }
      Nft nft;
      ASSERT_EQ(nft.run(kRules), 0);
      std::string error;
      const auto table = make_nft_table(kSets, error);
      test(*table, nft);
    }).join();
    if (!allowed) GTEST_SKIP() << "needs root, for a network namespace";
  }

  static std::vector<Entry> read(Backend& table) {
    std::vector<Entry> found;
    const auto result = table.read(found);
    EXPECT_TRUE(result.ok()) << result.error;
    std::sort(found.begin(), found.end());
    return found;
  }
};

TEST_F(NftTableTest, AddsAndRemovesAddressesOfBothFamilies) {
  in_namespace([](Backend& table, Nft&) {
    EXPECT_TRUE(read(table).empty());
    EXPECT_TRUE(
        table.add(std::vector<Row>{{entry("192.0.2.1"), 60}, {entry("198.51.100.0/24"), 0}, {entry("2001:db8::/32"), 60}}).ok());
    EXPECT_EQ(read(table), (std::vector{entry("192.0.2.1"), entry("198.51.100.0/24"), entry("2001:db8::/32")}));
    EXPECT_TRUE(table.remove(std::vector{entry("192.0.2.1"), entry("2001:db8::/32"), entry("203.0.113.9")}).ok());
    EXPECT_EQ(read(table), std::vector{entry("198.51.100.0/24")});
  });
}

TEST_F(NftTableTest, SetsTheTimeAnewOfWhatIsThere) {
  in_namespace([](Backend& table, Nft& nft) {
    EXPECT_TRUE(table.add(std::vector<Row>{{entry("192.0.2.1"), 100}}).ok());
    EXPECT_TRUE(table.add(std::vector<Row>{{entry("192.0.2.1"), 7200}}).ok());
    ASSERT_EQ(nft.run("list set inet deferd white4"), 0);
    EXPECT_NE(nft.output().find("192.0.2.1 timeout 2h"), std::string::npos) << nft.output();
  });
}

TEST_F(NftTableTest, LivesWithIntervalsOfOthers) {
  in_namespace([](Backend& table, Nft& nft) {
    ASSERT_EQ(nft.run("add element inet deferd nets4 { 198.51.100.0/24, 192.0.2.16-192.0.2.21 }"), 0);
    std::vector<Row> rows;
    for (int i = 0; i < 10; ++i) rows.push_back({entry(("198.51.100." + std::to_string(4 * i) + "/30").c_str()), 60});
    rows.push_back({entry("203.0.113.0/28"), 60});
    rows.push_back({entry("192.0.2.18/31"), 60});
    const auto result = table.add(rows);
    EXPECT_TRUE(result.ok()) << result.error;
    EXPECT_EQ(result.changed, 1u);
    EXPECT_EQ(read(table), (std::vector{entry("198.51.100.0/24"), entry("203.0.113.0/28")}));
    EXPECT_TRUE(table.remove(std::vector{entry("198.51.100.4/30"), entry("203.0.113.0/28")}).ok());
    EXPECT_EQ(read(table), std::vector{entry("198.51.100.0/24")});
  });
}

TEST_F(NftTableTest, HoldsMany) {
  in_namespace([](Backend& table, Nft&) {
    std::vector<Row> rows;
    for (unsigned i = 0; i < 12'000; ++i)
      rows.push_back(
          {Entry::make(Family::v4, {10, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}, 32), 3600});
    const auto result = table.add(rows);
    EXPECT_TRUE(result.ok()) << result.error;
    EXPECT_EQ(read(table).size(), rows.size());
  });
}

TEST_F(NftTableTest, IsChangedWhileItIsRead) {
  in_namespace([](Backend& table, Nft&) {
    const auto nth = [](unsigned i) {
      return Entry::make(Family::v4, {10, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}, 32);
    };
    std::vector<Row> rows;
    for (unsigned i = 0; i < 9'000; ++i) rows.push_back({nth(i), 3600});
    EXPECT_TRUE(table.add(rows).ok());
    EXPECT_TRUE(table.add(std::vector<Row>{{entry("198.51.100.0/24"), 60}, {entry("2001:db8::/32"), 60}}).ok());
    std::set<Entry> found;
    unsigned pieces = 0;
    const auto reading = table.begin_reading();
    for (bool more = true; more; ++pieces) {
      std::vector<Entry> some;
      const auto result = reading->next(some, more);
      ASSERT_TRUE(result.ok()) << result.error;
      found.insert(some.begin(), some.end());
      EXPECT_TRUE(table.add(std::vector<Row>{{nth(20'000 + pieces), 60}}).ok());
      EXPECT_TRUE(table.remove(std::vector<Entry>{nth(pieces)}).ok());
    }
    EXPECT_GT(pieces, 5u);
    EXPECT_GT(found.size(), 8'000u) << "a few may be left out";
    EXPECT_TRUE(found.contains(entry("198.51.100.0/24")) && found.contains(entry("2001:db8::/32")));
    EXPECT_EQ(read(table).size(), 9'002u);
  });
}

TEST_F(NftTableTest, SeesWhetherTheSetsAreThereAndUsed) {
  in_namespace([](Backend& table, Nft& nft) {
    EXPECT_EQ(table.check().error, "");
    std::string error;
    EXPECT_EQ(make_nft_table({"inet", "deferd", "idle", "", "", ""}, error)->check().error,
              "no rule of nftables uses the set @idle");
    const auto absent = make_nft_table({"inet", "deferd", "whit", "", "", ""}, error)->check();
    EXPECT_NE(absent.error.find("set whit of table inet deferd: "), std::string::npos) << absent.error;
    ASSERT_EQ(nft.run("flush ruleset"), 0);
    EXPECT_FALSE(table.check().ok());
    EXPECT_FALSE(table.add(std::vector<Row>{{entry("192.0.2.1"), 60}}).ok());
  });
}

}  // namespace
}  // namespace deferd::bridge
