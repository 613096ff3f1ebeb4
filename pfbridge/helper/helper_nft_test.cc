// The program itself on nftables, as an ordinary user with one capability: what libnftables asks of the kernel is in the
// sandbox's list.
#include "pfbridge/helper/namespace_fixture.h"

namespace deferd::bridge {
namespace {

using namespace std::chrono_literals;

constexpr const char* kHelperRules =
    "table inet deferd {\n"
    " set white4 { type ipv4_addr; flags timeout; }\n"
    " set white6 { type ipv6_addr; flags timeout; }\n"
    " set nets4 { type ipv4_addr; flags interval, timeout; }\n"
    " set nets6 { type ipv6_addr; flags interval, timeout; }\n"
    " set bypass4 { type ipv4_addr; flags interval; }\n"
    " set bypass6 { type ipv6_addr; flags interval; }\n"
    " chain pre {\n"
    "  type nat hook prerouting priority dstnat;\n"
    "  iifname \"lo\" meta l4proto tcp ip saddr @bypass4 accept\n"
    "  ip6 saddr @bypass6 accept\n"
    "  ip saddr @white4 tcp dport smtp accept\n"
    "  ip6 saddr @white6 accept\n"
    "  ip saddr @nets4 accept\n"
    "  ip6 saddr @nets6 log group 155 accept\n"
    " }\n"
    "}\n";

class HelperNftTest : public NamespaceTest {
 protected:
  static CommandResult run(const std::vector<std::string>& more, const std::string& input = {}) {
    std::vector<std::string> argv{DEFERD_HELPER, "--table", "white=nft:inet/deferd/white4,white6,nets4,nets6", "--user",
                                  "nobody"};
    argv.insert(argv.end(), more.begin(), more.end());
    return run_command(argv, input, {60s, 10'000'000});
  }
};

TEST_F(HelperNftTest, ChangesAndReadsSetsInItsSandbox) {
  in_namespace(kHelperRules, [&] {
    std::vector<Row> rows{{net, 60}, {*Entry::parse("198.51.100.0/24"), 0}, {*Entry::parse("2001:db9::1"), 60}};
    for (unsigned i = 0; i < 6'000; ++i)
      rows.push_back(
          {Entry::make(Family::v4, {10, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}, 32), 3600});
    const auto overlapping = *Entry::parse("198.51.100.0/25");
    const auto result =
        run({}, hello_and({Add{0, rows}, Add{0, {{overlapping, 60}}}, Remove{0, {overlapping, rows[4].entry}}, Read{0}}));
    ASSERT_TRUE(result.ok()) << result.failure << result.message;
    std::size_t entries = 0;
    std::string errors;
    for (const auto& message : messages(result.output)) {
      if (const auto* some = std::get_if<Entries>(&message)) entries += some->entries.size();
      if (const auto* done = std::get_if<Done>(&message)) errors += done->error;
    }
    EXPECT_EQ(errors, "");
    EXPECT_EQ(entries, rows.size() - 1);
  });
}

TEST_F(HelperNftTest, ChecksSetsInItsSandbox) {
  in_namespace(kHelperRules, [&] {
    const auto good = run({"--bypass", "nft:inet/deferd/,,bypass4,bypass6", "--check"});
    EXPECT_EQ(good.output, "white: ok\nbypass: ok\n") << good.failure << good.message;
    ASSERT_TRUE(run_command({"nft", "flush", "ruleset"}, {}).ok());
    const auto bad = run({"--bypass", "nft:inet/deferd/,,bypass4,bypass6", "--check"});
    EXPECT_EQ(bad.exit_code, 1);
    EXPECT_NE(bad.output.find("declare it with `flags timeout`"), std::string::npos) << bad.output << bad.failure;
  });
}

}  // namespace
}  // namespace deferd::bridge
