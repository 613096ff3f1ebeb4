// How the doctor finds out what it has before it.
#include "ctl/examination.h"

#include <gmock/gmock.h>

#include "ctl/sick_host.h"

namespace deferd::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Counts questions.
class CountingHost : public SickHost {
 public:
  ProgramOutput run(const std::vector<std::string>& argv) override {
    ++runs;
    return SickHost::run(argv);
  }
  Outcome<Value> ask(const std::string& target) override {
    ++questions;
    return SickHost::ask(target);
  }
  int runs = 0, questions = 0;
};

TEST(Examination, AsksOnce) {
  CountingHost host;
  Examination examination(host);
  examination.filter();
  examination.setup();
  const int runs = host.runs, questions = host.questions;
  EXPECT_GT(runs, 0);
  EXPECT_EQ(questions, 1);
  examination.filter();
  examination.plan();
  examination.setup();
  examination.listeners();
  EXPECT_EQ(host.runs, runs);
  EXPECT_EQ(host.questions, questions);
}

TEST(Examination, TakesTheUsualTablesWhereDeferdKnowsOfNoHelper) {
  SickHost host;
  host.answers["/v1/setup"].set("helpers", Value::list());
  Examination examination(host);
  EXPECT_FALSE(examination.helpers_known());
  ASSERT_NE(examination.plan().table("white"), nullptr);
  EXPECT_THAT(examination.plan().table("white")->sets_of(Family::v4), ElementsAre("deferd-white"));
  EXPECT_FALSE(examination.listed_only());
}

TEST(Examination, SeesByTheRulesThatOnlyTheListedAreRedirected) {
  SickHost host;
  host.answers["/v1/setup"].set("helpers", Value::list());
  host.programs["pfctl -sr"].output =
      "pass in on egress proto tcp from any to any port = 25 flags S/SA\n"
      "pass in on egress inet proto tcp from <deferd-black> to any port = 25 flags S/SA divert-to 127.0.0.1 port 8025\n";
  Examination examination(host);
  EXPECT_TRUE(examination.listed_only());
}

TEST(Examination, KnowsAHelperThatThePluginStartsOnAnotherHost) {
  SickHost host;
  host.answers["/v1/setup"].set("helpers", Value::list());
  host.rows["/v1/bridge"] = {json(R"({"table": "white", "helper": "/usr/bin/ssh firewall deferd-helper --stdio"})")};
  Examination examination(host);
  ASSERT_TRUE(examination.filter_unseen());
  EXPECT_THAT(examination.filter_unseen()->what, HasSubstr("another host"));
}

TEST(Examination, LooksIntoTheAnchorsOfTheTables) {
  SickHost host;
  host.answers["/v1/setup"].set("helpers", json(R"([["deferd-helper", "--table", "white=pf:mail/w"]])"));
  host.programs["pfctl -a mail -sr"] = host.programs["pfctl -sr"];
  host.programs["pfctl -sr"] = {"anchor \"mail\" all\n", ""};
  host.programs["pfctl -a mail -sT"] = {"w\n", ""};
  Examination examination(host);
  ASSERT_TRUE(examination.filter().rules);
  EXPECT_TRUE(examination.filter().rules->has("w"));
  EXPECT_NE(examination.filter().rules->caught_by("", Family::v4), nullptr);
}

TEST(Examination, ReadsNftablesWhereTheHelperDoes) {
  SickHost host;
  host.answers["/v1/setup"].set("helpers", json(R"([["deferd-helper", "--table", "white=nft:inet/deferd/white4"]])"));
  host.programs["nft -j -t list ruleset"] = {
      R"({"nftables": [{"set": {"family": "inet", "table": "deferd", "name": "white4"}}]})", ""};
  Examination nft(host);
  ASSERT_TRUE(nft.filter().rules) << nft.filter().why_not;
  EXPECT_TRUE(nft.filter().rules->has("inet/deferd/white4"));
  host.programs["nft -j -t list ruleset"].output = "Error: JSON support not compiled-in";
  Examination plain(host);
  EXPECT_FALSE(plain.filter().rules);
  EXPECT_THAT(plain.filter().why_not, HasSubstr("not JSON"));
}

}  // namespace
}  // namespace deferd::ctl
