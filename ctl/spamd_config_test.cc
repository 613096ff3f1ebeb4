// What comes of each flag of spamd; that the daemon takes the result is tests/e2e/migrate's to show.
#include "ctl/spamd_config.h"

#include <gmock/gmock.h>

namespace deferd::ctl {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

SpamdSetup with_flags(std::string_view flags) {
  SpamdSetup setup;
  setup.flags = or_throw(read_spamd_flags(flags));
  return setup;
}

std::string config_of(std::string_view flags) { return spamd_like_config(with_flags(flags)); }

TEST(SpamdConfig, IsTheExampleWhereNothingWasSet) {
  const auto config = config_of("-v");
  const auto begin = kSpamdLike.find("store:"), end = kSpamdLike.find("# Black-list-only mode");
  EXPECT_THAT(config, StartsWith("# deferd.yaml: in spamd's place"));
  EXPECT_EQ(config.substr(config.find("store:")), kSpamdLike.substr(begin, end - begin));
}

TEST(SpamdConfig, HasWhatFlagsSet) {
  EXPECT_THAT(config_of("-l 192.0.2.1 -p 25"), HasSubstr(R"(listen: {smtp: ["192.0.2.1:25"]})"));
  EXPECT_THAT(config_of("-c 1000 -B 50"), AllOf(HasSubstr("total: 1000"), HasSubstr("kept: 50")));
  EXPECT_THAT(config_of("-c 50"), AllOf(HasSubstr("total: 50"), HasSubstr("kept: 0")));
  EXPECT_THAT(config_of("-h mx.example.net"), HasSubstr(R"(  name: "mx.example.net")"));
  EXPECT_THAT(config_of("-n 'say \"hi\"'"),
              AllOf(HasSubstr(R"(product: "say \"hi\"")"), HasSubstr(R"(banner: "%h ESMTP %n; %d")")));
  EXPECT_THAT(config_of("-C /c.pem -K /k.pem"), HasSubstr(R"(tls: {certificate: "/c.pem", key: "/k.pem"})"));
  EXPECT_THAT(config_of(""), HasSubstr("level: notice"));
  EXPECT_THAT(config_of("-w 64"), HasSubstr("window: 64"));
  EXPECT_THAT(config_of("-s 2 -S 30"),
              AllOf(HasSubstr("tables: [trapped], per_byte: 2s"), HasSubstr("strangers: {per_byte: 2s, during: 30s}")));
  EXPECT_THAT(config_of("-S 0"), HasSubstr("strangers: {per_byte: 0s, during: 10s}"));
  EXPECT_THAT(config_of("-G 2:5:1728"),
              HasSubstr("greylist: {profile: spamd, profiles: {spamd: {pass_time: 2m, grey_expiry: 5h, white_expiry: 1728h}}}"));
  EXPECT_THAT(config_of("-5"), AllOf(HasSubstr("action: reject}"), HasSubstr("reply: {code: 550, enhanced: 5.7.1")));
}

TEST(SpamdConfig, NamesSpamdsFilesAndExemptsWhomItNeverSaw) {
  SpamdSetup setup;
  setup.spamd_conf = "/etc/mail/spamd.conf";
  setup.allowed_domains = "/etc/mail/spamd.alloweddomains";
  setup.never_asked = {*Prefix::parse("192.0.2.0/24"), *Prefix::parse("2001:db8::7")};
  const auto config = spamd_like_config(setup);
  EXPECT_THAT(config, AllOf(HasSubstr(R"(blacklist: {spamd_conf: "/etc/mail/spamd.conf", action: defer})"),
                            Not(HasSubstr("config_port"))));
  EXPECT_THAT(config, HasSubstr("      allowed_domains_files: [\"/etc/mail/spamd.alloweddomains\"]\n"));
  EXPECT_THAT(config, HasSubstr("    - \"::1\"\n    - \"192.0.2.0/24\"\n    - \"2001:db8::7\"\n"));
  EXPECT_THAT(spamd_remarks(setup), ElementsAre(HasSubstr("take spamd-setup out of root's crontab")));
}

TEST(SpamdConfig, HoldsEverybodyInBlackListOnlyMode) {
  const auto config = config_of("-b -5 -s 2");
  EXPECT_THAT(
      config,
      HasSubstr("\nplugins:\n  - blacklist: {config_port: \"127.0.0.1:8026\", action: reject}\n"
                "  - rules: {rules: [{name: everybody, do: defer, reply: {code: 450, enhanced: 4.7.1}, tags: [listed]}]}\n"
                "  - tarpit: {hold: {per_byte: 2s}, strangers: {per_byte: 2s, during: 0s}}\n"));
  EXPECT_THAT(config, AllOf(Not(HasSubstr("greylist:")), Not(HasSubstr("# plugins:"))));
}

TEST(SpamdConfig, RemarksOnWhatItCannotTakeOver) {
  EXPECT_THAT(spamd_remarks(with_flags("-d -v")), IsEmpty());
  EXPECT_THAT(spamd_remarks(with_flags("-M 192.0.2.2 -y em0 -b")),
              ElementsAre(HasSubstr("addresses: [\"192.0.2.2\"]"), HasSubstr("sync"), StartsWith("-b")));
}

TEST(RuleDifferences, TellWhatStaysAndWhatIsNew) {
  const auto flags = or_throw(read_spamd_flags(""));
  const auto lines = rule_differences(
      "# <spamd-white> in a comment\ntable <spamd-white> persist\nset skip on lo\n"
      "  pass in on egress proto tcp to any port smtp divert-to 127.0.0.1 port spamd\n"
      "pass in log on egress proto tcp from <spamd-white> to any port smtp\n",
      flags);
  EXPECT_THAT(lines, ElementsAre("= table <spamd-white> persist",
                                 "= pass in on egress proto tcp to any port smtp divert-to 127.0.0.1 port spamd",
                                 "= pass in log on egress proto tcp from <spamd-white> to any port smtp",
                                 "+ table <deferd-bypass> persist", StartsWith("+ pass in quick proto tcp from <deferd-bypass>"),
                                 HasSubstr("deferd-helper")));
}

TEST(RuleDifferences, KnowOtherPortsAndFreeBsd) {
  const auto flags = or_throw(read_spamd_flags("-p 2525"));
  EXPECT_THAT(rule_differences("rdr pass log on em0 proto tcp from !<friends> to any port smtp -> 127.0.0.1 port 2525\n", flags),
              ElementsAre(StartsWith("? rdr pass log"), HasSubstr("must not be logged"), "+ table <deferd-bypass> persist",
                          StartsWith("+ no rdr proto tcp"), HasSubstr("deferd-helper")));
  EXPECT_THAT(rule_differences("", flags).front(), HasSubstr("127.0.0.1:2525"));
}

}  // namespace
}  // namespace deferd::ctl
