#include "ctl/spamd_state.h"

#include <gmock/gmock.h>

namespace deferd::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::int64_t kStateNow = 1'767'225'600, kStateWhiteTime = 3'110'400;

std::vector<std::string> members(std::string_view text) {
  std::vector<std::string> all;
  for (const auto& member : read_pf_table(text).members) all.push_back(member.to_string());
  return all;
}

TEST(PfTable, IsReadAsPfctlShowsIt) {
  EXPECT_THAT(members("   192.0.2.1\n   198.51.100.0/24\n   2001:db8::7\n"),
              ElementsAre("192.0.2.1", "198.51.100.0/24", "2001:db8::7"));
  const std::string verbose = "   192.0.2.1\n\tCleared:     Thu Nov 26 05:00:00 2026\n\tIn/Block:    [ Packets: 0  Bytes: 0 ]\n";
  EXPECT_THAT(members(verbose), ElementsAre("192.0.2.1"));
  EXPECT_EQ(read_pf_table("  !192.0.2.4\n   mx.example.org\n").left_out, 2u);
  EXPECT_THAT(members(""), IsEmpty());
}

TEST(PfTable, IsReadFromTheFileOfATable) {
  EXPECT_THAT(members("# friends\n192.0.2.1 192.0.2.2 # two\n\n198.51.100.0/24\n"),
              ElementsAre("192.0.2.1", "192.0.2.2", "198.51.100.0/24"));
}

class SpamdStateTest : public ::testing::Test {
 protected:
  void record(Entry::Kind kind, std::string key, std::int64_t pass, std::int64_t expires) {
    Entry entry;
    entry.kind = kind;
    entry.key = std::move(key);
    entry.first = kStateNow - 9'000;
    entry.pass = pass;
    entry.expires = expires;
    state.add(entry);
  }
  void white(std::string key, std::int64_t expires = kStateNow + 60) {
    record(Entry::Kind::white, std::move(key), kStateNow - 60, expires);
  }
  void trapped(std::string key) { record(Entry::Kind::trapped, std::move(key), 0, kStateNow + 60); }
  void grey(std::string key, std::int64_t pass, std::int64_t expires = kStateNow + 60) {
    record(Entry::Kind::grey, std::move(key), pass, expires);
  }
  void passing(std::string_view key) { state.add_passing(*Prefix::parse(key)); }
  std::vector<std::string> missing() const {
    std::vector<std::string> lines;
    for (const auto& entry : state.missing()) lines.push_back(spamdb_line(entry));
    return lines;
  }
  static std::string line(const std::string& key, std::int64_t first, std::int64_t pass) {
    return "WHITE|" + key + "|||" + std::to_string(first) + "|" + std::to_string(pass) + "|" +
           std::to_string(kStateNow + kStateWhiteTime) + "|1|0";
  }

  SpamdState state{kStateNow, kStateWhiteTime};
};

TEST_F(SpamdStateTest, LacksNothingOfWhatIsWhite) {
  white("192.0.2.1");
  passing("192.0.2.1");
  trapped("192.0.2.2");
  passing("192.0.2.2");  // it was trapped since pf was told
  grey("192.0.2.3", kStateNow + 60);
  EXPECT_THAT(missing(), IsEmpty());
  EXPECT_EQ(state.records(Entry::Kind::white), 1);
  EXPECT_EQ(state.records(Entry::Kind::grey), 1);
}

TEST_F(SpamdStateTest, MakesMembersOfTheTableWhite) {
  passing("192.0.2.7");
  passing("198.51.100.0/24");
  white("192.0.2.8", kStateNow);  // it is over, and passes until spamd looks
  passing("192.0.2.8");
  EXPECT_THAT(missing(), ElementsAre(line("192.0.2.7", kStateNow, kStateNow), line("192.0.2.8", kStateNow, kStateNow),
                                     line("198.51.100.0/24", kStateNow, kStateNow)));
}

TEST_F(SpamdStateTest, MakesClientsWhiteWhoseMailHasPassed) {
  grey("192.0.2.7", kStateNow - 60);
  grey("192.0.2.7", kStateNow - 30);
  grey("192.0.2.8", kStateNow - 60);
  white("192.0.2.8");
  grey("192.0.2.9", kStateNow - 60);
  trapped("192.0.2.9");
  grey("192.0.2.10", kStateNow - 60, kStateNow);
  passing("192.0.2.7");
  EXPECT_THAT(missing(), ElementsAre(line("192.0.2.7", kStateNow - 9'000, kStateNow - 60)));
}

}  // namespace
}  // namespace deferd::ctl
