// deferctl called as spamdb: its flags, lines and exit codes, case by case. spamdb(8).
#include "ctl/spamdb.h"

#include <fstream>

#include "ctl/transfer_fixture.h"

namespace deferd::ctl {
namespace {

using namespace std::chrono_literals;
constexpr std::int64_t kWhiteTime = 3'110'400, kTrapTime = 86'400;

class SpamdbTest : public TransferTest {
 protected:
  std::string line(const std::string& key) {
    EXPECT_EQ(spamdb({key}), 0) << err;
    return out;
  }
  Value tuple(std::string client) {
    Value row = Value::map();
    row.set("client", std::move(client));
    row.set("helo", "mx.example.org");
    row.set("from", "Bob@Example.org");
    row.set("to", "b@example.net");
    row.set("first", format_time(clock_.now() - 1min));
    row.set("expires", format_time(clock_.now() + 4h));
    row.set("tries", 2);
    return row;
  }
};

TEST_F(SpamdbTest, ListsEachTypeInItsShape) {
  put(kWhite, "192.0.2.7", 10h, 1h);
  put(kTrapped, "192.0.2.8", 1h);
  traps.emplace("trap@example.net", clock_.now());
  grey.push_back(tuple("192.0.2.9"));
  EXPECT_EQ(spamdb({}), 0) << err;
  EXPECT_EQ(out, "WHITE|192.0.2.7|||" + at(-3600) + "|" + at(-3600) + "|" + at(36'000) + "|1|0\n" +
                     "GREY|192.0.2.9|mx.example.org|<Bob@Example.org>|<b@example.net>|" + at(-60) + "|" + at(14'400) + "|" +
                     at(14'400) + "|2|0\n" + "TRAPPED|192.0.2.8|" + at(3600) + "\n" + "SPAMTRAP|trap@example.net\n");
  EXPECT_EQ(err, "");
}

TEST_F(SpamdbTest, LooksKeysUpAndCountsThoseNotFound) {
  put(kWhite, "192.0.2.7", 1h);
  traps.emplace("trap@example.net", clock_.now());
  grey.push_back(tuple("192.0.2.9"));
  EXPECT_EQ(spamdb({"192.0.2.7", "192.0.2.9", "trap@example.net", "198.51.100.1", "nonsense"}), 3);  // GREY has other keys
  EXPECT_EQ(out, "WHITE|192.0.2.7|||" + at(0) + "|" + at(0) + "|" + at(3600) + "|1|0\nSPAMTRAP|trap@example.net\n");
  EXPECT_EQ(spamdb({"192.0.2.7", ""}), 0);  // empty keys are skipped
  put(kWhite, "203.0.113.0/24", 1h);
  EXPECT_EQ(spamdb({"203.0.113.7"}), 1);  // exactly
}

TEST_F(SpamdbTest, AddsNewRecordsWithItsOwnTimes) {
  EXPECT_EQ(spamdb({"-a", "192.0.2.7", "2001:db8::7"}), 0) << err;
  EXPECT_EQ(line("192.0.2.7"), "WHITE|192.0.2.7|||" + at(0) + "|" + at(0) + "|" + at(kWhiteTime) + "|1|0\n");
  EXPECT_EQ(line("2001:db8::7"), "WHITE|2001:db8::7|||" + at(0) + "|" + at(0) + "|" + at(kWhiteTime) + "|1|0\n");
  EXPECT_EQ(spamdb({"-a", "-t", "192.0.2.8"}), 0) << err;
  EXPECT_EQ(line("192.0.2.8"), "TRAPPED|192.0.2.8|" + at(kTrapTime) + "\n");
  EXPECT_EQ(spamdb({"-aT", "Trap@example.net"}), 0) << err;
  EXPECT_EQ(line("trap@example.net"), "SPAMTRAP|trap@example.net\n");
  EXPECT_EQ(row(kWhite, "192.0.2.7")->source, "operator");
}

TEST_F(SpamdbTest, RenewsAWhiteRecordAndCountsIt) {
  spamdb({"-a", "192.0.2.7"});
  const auto first = at(0);
  clock_.advance(10min);
  EXPECT_EQ(spamdb({"-a", "192.0.2.7"}), 0) << err;
  EXPECT_EQ(line("192.0.2.7"), "WHITE|192.0.2.7|||" + first + "|" + at(0) + "|" + at(kWhiteTime) + "|1|1\n");
  clock_.advance(48h);
  EXPECT_EQ(spamdb({"-a", "192.0.2.7"}), 0) << err;
  EXPECT_EQ(line("192.0.2.7"), "WHITE|192.0.2.7|||" + first + "|" + at(0) + "|" + at(kWhiteTime) + "|1|2\n");
}

TEST_F(SpamdbTest, KeepsHowOftenAnImportedClientWasBlocked) {
  ASSERT_EQ(run({"import", file("WHITE|192.0.2.7|||" + at(-9) + "|" + at(-8) + "|" + at(9000) + "|4|6\n")}), kOk) << err;
  EXPECT_EQ(spamdb({"-a", "192.0.2.7"}), 0) << err;
  EXPECT_EQ(line("192.0.2.7"), "WHITE|192.0.2.7|||" + at(-9) + "|" + at(0) + "|" + at(kWhiteTime) + "|4|7\n");
}

TEST_F(SpamdbTest, TurnsATrappedClientWhiteAndAWhiteOneTrapped) {
  spamdb({"-a", "-t", "192.0.2.7"});
  const auto first = at(0);
  clock_.advance(2h);
  EXPECT_EQ(spamdb({"-a", "192.0.2.7"}), 0) << err;
  EXPECT_EQ(line("192.0.2.7"), "WHITE|192.0.2.7|||" + first + "|" + at(0) + "|" + at(kWhiteTime) + "|1|0\n");
  EXPECT_FALSE(row(kTrapped, "192.0.2.7"));
  clock_.advance(2h);
  EXPECT_EQ(spamdb({"-t", "-a", "192.0.2.7"}), 0) << err;
  EXPECT_EQ(line("192.0.2.7"), "TRAPPED|192.0.2.7|" + at(kTrapTime) + "\n");
  EXPECT_FALSE(row(kWhite, "192.0.2.7"));
  clock_.advance(2h);
  EXPECT_EQ(spamdb({"-at", "192.0.2.7"}), 0) << err;
  EXPECT_EQ(line("192.0.2.7"), "TRAPPED|192.0.2.7|" + at(kTrapTime) + "\n");
}

TEST_F(SpamdbTest, CountsInvalidAddressesAndGoesOn) {
  EXPECT_EQ(spamdb({"-a", "mx.example.org", "192.0.2.7", "192.0.2.0/24"}), 2);
  EXPECT_EQ(err, "spamdb: invalid ip address mx.example.org\nspamdb: invalid ip address 192.0.2.0/24\n");
  EXPECT_TRUE(row(kWhite, "192.0.2.7"));
}

TEST_F(SpamdbTest, EndsAtATrapThatIsNoAddress) {
  EXPECT_EQ(spamdb({"-a", "-T", "one@example.net", "nobody", "two@example.net"}), 255);
  EXPECT_EQ(err, "spamdb: not an email address: nobody\n");
  EXPECT_TRUE(traps.contains("one@example.net"));
  EXPECT_FALSE(traps.contains("two@example.net"));
}

TEST_F(SpamdbTest, CountsARefusedTrapAndGoesOn) {
  EXPECT_EQ(spamdb({"-a", "-T", "one@a..example", "two@example.net"}), 1);
  EXPECT_EQ(err, "spamdb: one@a..example: 'address' has no domain after the @\n");
  EXPECT_TRUE(traps.contains("two@example.net"));
  EXPECT_EQ(spamdb({"one@a..example", "two@example.net"}), 1);
  EXPECT_EQ(out, "SPAMTRAP|two@example.net\n");
  Script nothing;
  use({{"other", nothing}});
  EXPECT_EQ(spamdb({"-aT", "three@example.net", "four@example.net"}), 2);
}

TEST_F(SpamdbTest, DeletesWhateverTypeARecordHas) {
  put(kWhite, "192.0.2.7", 1h);
  put(kTrapped, "192.0.2.8", 1h);
  traps.emplace("trap@example.net", clock_.now());
  EXPECT_EQ(spamdb({"-d", "192.0.2.7", "192.0.2.8", "trap@example.net"}), 0) << err;
  EXPECT_FALSE(row(kWhite, "192.0.2.7") || row(kTrapped, "192.0.2.8") || !traps.empty());
  EXPECT_EQ(spamdb({"-d", "192.0.2.7", "trap@example.net", "nonsense"}), 3);
  put(kWhite, "192.0.2.7", 1h);
  EXPECT_EQ(spamdb({"-d", "-t", "192.0.2.7"}), 0) << err;  // the type is not looked at
}

TEST_F(SpamdbTest, DeletesOneGreyTupleAtATime) {
  grey.push_back(tuple("192.0.2.9"));
  grey.push_back(tuple("192.0.2.9"));
  EXPECT_EQ(spamdb({"-d", "-G", "192.0.2.9"}), 0) << err;
  EXPECT_EQ(grey.size(), 1u);
  EXPECT_EQ(spamdb({"-dG", "192.0.2.9", "192.0.2.10"}), 1);
  EXPECT_EQ(err, "spamdb: no entry for 192.0.2.10\n");
  EXPECT_TRUE(grey.empty());
}

TEST_F(SpamdbTest, ExitsAsSpamdbDoes) {
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"-t"}, {"-T"}, {"-G", "192.0.2.7"}, {"-x"}, {"-a", "-x", "192.0.2.7"}}) {
    EXPECT_EQ(spamdb(words), 1);
    EXPECT_EQ(err, "usage: spamdb [-adGTt] [key ...]\n");
  }
  EXPECT_EQ(spamdb({"-a", "-G", "192.0.2.7"}), 2);
  EXPECT_EQ(err, "spamdb: cannot add GREY entries\n");
  EXPECT_EQ(spamdb({"-a"}), 2);
  EXPECT_EQ(spamdb({"-d", ""}), 2);
  EXPECT_EQ(spamdb({"-d", "-a", "192.0.2.7"}), 0);  // the last of them counts
  EXPECT_TRUE(row(kWhite, "192.0.2.7"));
  EXPECT_EQ(spamdb({"-aT", "-t", "192.0.2.8"}), 0);
  EXPECT_TRUE(row(kTrapped, "192.0.2.8"));
  EXPECT_EQ(spamdb({"-a", "--", "-1"}), 1);  // no address
  server.reset();
  EXPECT_EQ(spamdb({}), 1);
  EXPECT_EQ(spamdb({"-a", "192.0.2.7"}), 1);
  EXPECT_EQ(spamdb({"192.0.2.7"}), 1);
}

TEST_F(SpamdbTest, CutsTheNumberOfFailuresAsTheSystemDoes) {
  std::vector<std::string> words{"-d"};
  for (int i = 0; i < 257; ++i) words.push_back("nobody" + std::to_string(i));
  EXPECT_EQ(spamdb(words), 1);
}

}  // namespace
}  // namespace deferd::ctl
