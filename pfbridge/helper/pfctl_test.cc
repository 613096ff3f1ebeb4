#include "pfbridge/helper/pfctl.h"

#include <gtest/gtest.h>

namespace deferd::bridge {
namespace {

std::vector<Entry> shown(std::string_view text) {
  std::vector<Entry> entries;
  EXPECT_TRUE(read_pfctl_show(text, entries));
  return entries;
}

// Lines as recorded on FreeBSD 13.2 and 15.1.
TEST(PfctlTest, ReadsWhatShowPrints) {
  const std::vector<Entry> expected{*Entry::parse("192.0.2.1"), *Entry::parse("198.51.100.0/24"), *Entry::parse("2001:db8::1")};
  EXPECT_EQ(shown("   192.0.2.1\n  !192.0.2.4\n   198.51.100.0/24\n   2001:db8::1\n"), expected);
  EXPECT_TRUE(shown("").empty());
}

TEST(PfctlTest, RefusesOutputThatIsCutOffOrSomethingElse) {
  std::vector<Entry> entries;
  EXPECT_FALSE(read_pfctl_show("   192.0.2.1\n   192.0.2.2", entries));  // perhaps of 192.0.2.200
  EXPECT_FALSE(read_pfctl_show("   192.0.2.1\n   192.0.2.\n", entries));
  EXPECT_FALSE(read_pfctl_show("pfctl: Table does not exist.\n", entries));
  EXPECT_FALSE(read_pfctl_show("\n", entries));
}

TEST(PfctlTest, SeesWhetherARuleUsesTheTable) {
  const char* const text = "-pa----\tbig\n-pa-r--\tspamd-white\n--a--h-\tin-an-anchor@deferd/grey\n";
  EXPECT_EQ(find_pfctl_table(text, "spamd-white"), TableUse::used);
  EXPECT_EQ(find_pfctl_table(text, "in-an-anchor"), TableUse::used);
  EXPECT_EQ(find_pfctl_table(text, "big"), TableUse::unused);
  EXPECT_EQ(find_pfctl_table(text, "spamd"), TableUse::absent);
  EXPECT_EQ(find_pfctl_table("", "spamd"), TableUse::absent);
}

// A program in pfctl's place, in shell: prints and ends as told.
Pfctl told(const char* script) { return Pfctl({{"/bin/sh", "-c", script, "pfctl"}, "", "white", std::chrono::seconds(20)}); }

constexpr const char* kThere = R"(case "$*" in *-vsT*) printf -- '-pa-r--\twhite\n';; *) cat >/dev/null; )";

TEST(PfctlTest, AddsOnlyToATableThatIsThere) {
  const Row row{*Entry::parse("192.0.2.1"), 0};
  auto absent = told("printf -- '-pa-r--\\tother\\n'");
  EXPECT_EQ(absent.add({&row, 1}).error, "pf has no table <white>: declare it in pf.conf: table <white> persist");
  auto there = told((std::string(kThere) + ";; esac").c_str());
  const auto result = there.add({&row, 1});
  EXPECT_TRUE(result.ok()) << result.error;
  EXPECT_EQ(result.changed, 1u);
}

TEST(PfctlTest, TellsWhyACallFailed) {
  const Row row{*Entry::parse("192.0.2.1"), 0};
  auto full = told((std::string(kThere) + "echo 'pfctl: Cannot allocate memory.' >&2; exit 255;; esac").c_str());
  EXPECT_EQ(full.add({&row, 1}).error, "/bin/sh ended with 255: pfctl: Cannot allocate memory.");
  auto crashes = told((std::string(kThere) + "kill -SEGV $$;; esac").c_str());
  EXPECT_EQ(crashes.remove({&row.entry, 1}).error, "/bin/sh died of signal 11");
}

TEST(PfctlTest, WarnsOfATableThatNoRuleUses) {
  EXPECT_EQ(told("printf -- '-pa----\\twhite\\n'").check().error, "no rule of pf uses the table <white>");
}

}  // namespace
}  // namespace deferd::bridge
