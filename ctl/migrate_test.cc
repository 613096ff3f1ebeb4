// migrate spamd, against a daemon in this process.
#include <gmock/gmock.h>

#include "ctl/transfer_fixture.h"
#include "http/json.h"

namespace deferd::ctl {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class MigrateTest : public TransferTest {
 protected:
  /// With all that it would look for on this machine named.
  int migrate(const std::string& dump, std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"migrate",
                                      "spamd",
                                      file(dump),
                                      "--rc",
                                      write("rc", rc),
                                      "--spamd-white",
                                      write("white", passing),
                                      "--nospamd",
                                      write("nospamd", never),
                                      "--rules",
                                      write("pf.conf", rules)};
    words.insert(words.end(), more.begin(), more.end());
    return run(std::move(words));
  }
  std::string write(const char* name, std::string_view text) {
    std::ofstream(folder.file(name), std::ios::binary) << text;
    return folder.file(name);
  }
  std::string white_line(const std::string& client) const {
    return "WHITE|" + client + "|||" + at(-3600) + "|" + at(-1800) + "|" + at(86'400) + "|3|12\n";
  }

  std::string rc = "spamd_flags=\"-v -G 2:4:100\"\n", passing, never, rules;
};

TEST_F(MigrateTest, LosesNobodyWhoWasWhite) {
  passing = "   192.0.2.7\n   192.0.2.8\n   192.0.2.9\n";
  const auto dump = white_line("192.0.2.7") + "TRAPPED|192.0.2.9|" + at(7200) + "\nGREY|192.0.2.10|mx|<a@b>|<c@d>|" + at(-900) +
                    "|" + at(-60) + "|" + at(3600) + "|2|0\nSPAMTRAP|trap@example.net\n";
  EXPECT_EQ(migrate(dump), kOk) << err;
  EXPECT_EQ(row(kWhite, "192.0.2.7")->expires, clock_.now() + 24h);
  EXPECT_EQ(row(kWhite, "192.0.2.8")->expires, clock_.now() + 100h) << "as -G says";
  EXPECT_EQ(row(kWhite, "192.0.2.10")->expires, clock_.now() + 100h);
  EXPECT_FALSE(row(kWhite, "192.0.2.9"));
  EXPECT_TRUE(row(kTrapped, "192.0.2.9"));
  EXPECT_TRUE(traps.contains("trap@example.net"));
  EXPECT_EQ(imported.size(), 1u);
  EXPECT_THAT(out, AllOf(HasSubstr("# spamd has 1 white clients, 1 grey mails, 1 trapped clients and 1 trap addresses.\n"
                                   "# 2 more clients are white"),
                         HasSubstr("# white    3      0     0\n")));
  EXPECT_EQ(migrate(dump), kOk) << err;  // once more, right before the switch
  EXPECT_THAT(out, HasSubstr("# white    0      3     0\n"));
}

TEST_F(MigrateTest, ChangesNothingInADryRun) {
  passing = "   192.0.2.8\n";
  EXPECT_EQ(migrate(white_line("192.0.2.7"), {"--dry-run"}), kOk) << err;
  EXPECT_THAT(out, AllOf(HasSubstr("this is what would be"), HasSubstr("# white  2      0     0\n")));
  EXPECT_FALSE(row(kWhite, "192.0.2.7") || row(kWhite, "192.0.2.8"));
  server.reset();
  EXPECT_EQ(migrate(white_line("192.0.2.7"), {"--dry-run"}), kOk) << err;
  EXPECT_THAT(out, AllOf(HasSubstr("# 1 more clients are white"), HasSubstr("# Nothing was imported: no deferd answers.\n")));
  EXPECT_EQ(migrate(white_line("192.0.2.7")), kUnreachable);
}

TEST_F(MigrateTest, PrintsTheConfigurationFirstAndAllElseAsComments) {
  never = "   198.51.100.0/24\n";
  rules = "table <spamd-white> persist\n";
  const auto conf = write("spamd.conf", "all:\\\n\t:traps:\n");
  write("spamd.alloweddomains", "example.net\n");
  EXPECT_EQ(migrate("", {"--spamd-conf", conf}), kOk) << err;
  EXPECT_THAT(out, AllOf(HasSubstr("profiles: {spamd: {pass_time: 2m, grey_expiry: 4h, white_expiry: 100h}}"),
                         HasSubstr("- \"198.51.100.0/24\"\n"), HasSubstr("spamd_conf: \"" + conf + "\""),
                         HasSubstr("allowed_domains_files: [\"" + folder.file("spamd.alloweddomains") + "\"]"),
                         HasSubstr("# = table <spamd-white> persist\n# + table <deferd-bypass> persist\n")));
  std::istringstream lines(out.substr(out.find("\n# Rules of the packet filter") + 1));
  for (std::string line; std::getline(lines, line);) EXPECT_TRUE(line.empty() || line[0] == '#') << line;
  EXPECT_EQ(migrate("", {"--flags", "-h mx.example.net", "--json"}), kOk) << err;
  const auto json = parse_json(out);
  ASSERT_TRUE(json) << out;
  EXPECT_THAT(json->find("config")->text(), AllOf(HasSubstr("mx.example.net"), Not(HasSubstr("pass_time"))));
  EXPECT_TRUE(json->find("white") != nullptr && json->find("rules")->is_list() && json->find("remarks")->is_list());
}

TEST_F(MigrateTest, RefusesWhatItCannotRead) {
  EXPECT_EQ(migrate("WHITE|192.0.2.7\n"), kRefused);
  EXPECT_THAT(err, HasSubstr("dump:1: WHITE has 9 fields, not 2\n"));
  EXPECT_EQ(migrate("", {"--flags", "-z"}), kUsage);
  EXPECT_THAT(err, HasSubstr("-z is none of spamd's"));
  EXPECT_EQ(migrate("", {"--spamd-conf", folder.file("nowhere")}), kUsage);
  EXPECT_EQ(run({"migrate", "spamd", folder.file("nowhere")}), kUsage);
  EXPECT_EQ(run({"migrate"}), kUsage);
  passing = "   192.0.2.7\n   mx.example.org\n";
  EXPECT_EQ(migrate(""), kOk);
  EXPECT_EQ(err, "deferctl: 1 members of <spamd-white> are no addresses, or negated\n");
  EXPECT_TRUE(row(kWhite, "192.0.2.7"));
}

}  // namespace
}  // namespace deferd::ctl
