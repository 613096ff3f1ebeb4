#include "rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "deferd/testing/fake_host.h"
#include "from_yaml.h"
#include "time_zone.h"

namespace deferd::rules {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RulesTest : public testing::Test {
 protected:
  /// Begins with these rules; the first stands in line 1.
  void use(const std::string& rules, const std::string& lists = "{}") {
    const auto result = read("{lists: " + lists + ", rules: [" + rules + "]}");
    ASSERT_FALSE(result.problems.failed()) << result.text();
    plugin = std::make_unique<Rules>(result.config, host);
  }
  Verdict ask(const std::string& rcpt = "b@example.net") { return plugin->on_rcpt(context, rcpt); }
  bool accepts(const std::string& rcpt = "b@example.net") { return ask(rcpt).action == Action::accept; }
  Session& session() { return context.session(); }

  const TimeZone utc{"UTC0"};
  FakeHost host{"rules"};
  FakeContext context{host};
  std::unique_ptr<Rules> plugin;
};

TEST_F(RulesTest, HasNoOpinionWithoutRules) {
  use("");
  EXPECT_EQ(ask().action, Action::pass);
  EXPECT_EQ(ask().reason, "");
}

TEST_F(RulesTest, ARuleWithoutConditionsMatchesEverybody) {
  use("{do: accept}");
  EXPECT_TRUE(accepts());
}

TEST_F(RulesTest, TheFirstRuleThatMatchesDecides) {
  use("{to: [a@example.net], do: accept}, {to: [example.net], do: defer}, {to: [c@example.net], do: reject}");
  EXPECT_EQ(ask("a@example.net").action, Action::accept);
  EXPECT_EQ(ask("c@example.net").action, Action::defer);
  EXPECT_EQ(ask("c@example.org").action, Action::pass);
}

// The later rule's condition is known long before the earlier one's.
TEST_F(RulesTest, ARuleOnTheClientDoesNotOvertakeOneOnTheRecipient) {
  use("{to: [postmaster@], do: accept}, {client: [192.0.2.0/24], do: reject}");
  EXPECT_EQ(ask("postmaster@example.net").action, Action::accept);
  EXPECT_EQ(ask("b@example.net").action, Action::reject);
}

TEST_F(RulesTest, EveryConditionOfARuleMustHold) {
  use("{client: [192.0.2.0/24], from: [example.org], to: [b@example.net], do: accept}");
  EXPECT_TRUE(accepts());
  EXPECT_FALSE(accepts("c@example.net"));
  session().mail_from = "a@example.com";
  EXPECT_FALSE(accepts());
  session().mail_from = "a@example.org";
  session().client = *Address::parse("198.51.100.1");
  EXPECT_FALSE(accepts());
}

TEST_F(RulesTest, ClientIsWithinAPrefix) {
  use("{client: [192.0.2.0/25, '2001:db8::/32', 203.0.113.9], do: accept}");
  for (const char* inside : {"192.0.2.7", "192.0.2.127", "2001:db8::1", "203.0.113.9", "::ffff:192.0.2.1"}) {
    session().client = *Address::parse(inside);
    EXPECT_TRUE(accepts()) << inside;
  }
  for (const char* outside : {"192.0.2.128", "2001:db9::1", "203.0.113.8"}) {
    session().client = *Address::parse(outside);
    EXPECT_FALSE(accepts()) << outside;
  }
}

TEST_F(RulesTest, ClientNameIsTheVerifiedName) {
  use("{client_name: [example.com, '/^smtp\\d+\\./'], do: accept}");
  session().helo = "mx.example.com";
  session().client_name = "";
  EXPECT_FALSE(accepts());
  session().client_name = "MX.Example.com";
  EXPECT_TRUE(accepts());
  session().client_name = "smtp17.example.net";
  EXPECT_TRUE(accepts());
}

TEST_F(RulesTest, HeloIsWhatTheClientSays) {
  use("{helo: [localhost, '/^\\[/'], do: accept}");
  EXPECT_FALSE(accepts());
  session().helo = "LOCALHOST";
  EXPECT_TRUE(accepts());
  session().helo = "[192.0.2.7]";
  EXPECT_TRUE(accepts());
  session().helo = "";
  EXPECT_FALSE(accepts());
}

TEST_F(RulesTest, FromIsTheSender) {
  use("{from: ['<>', news@, partner.example], do: accept}");
  EXPECT_FALSE(accepts());
  for (const char* sender : {"", "news@example.org", "NEWS+7@example.org", "a@partner.example", "a@mx.partner.example"}) {
    session().mail_from = sender;
    EXPECT_TRUE(accepts()) << sender;
  }
}

TEST_F(RulesTest, TlsTellsPlainEncryptedAndVerified) {
  const auto answers = [&](const std::string& wanted) {
    use("{tls: " + wanted + ", do: accept}");
    std::string all;
    session().tls = false;
    all += accepts() ? 'y' : 'n';
    session().tls = true;
    all += accepts() ? 'y' : 'n';
    session().tls_subject = "CN=mx";
    all += accepts() ? 'y' : 'n';
    session().tls_subject.clear();
    return all;
  };
  EXPECT_EQ(answers("no"), "ynn");
  EXPECT_EQ(answers("yes"), "nyy");
  EXPECT_EQ(answers("verified"), "nny");
}

TEST_F(RulesTest, AuthTellsWhoHasLoggedIn) {
  use("{auth: yes, do: accept}, {auth: no, do: defer}");
  EXPECT_EQ(ask().action, Action::defer);
  session().auth = "alice";
  EXPECT_EQ(ask().action, Action::accept);
}

TEST_F(RulesTest, TaggedAsksForATagOfEarlierPlugins) {
  use("{tagged: [traplist.hit, 'spf=fail'], do: reject}");
  EXPECT_EQ(ask().action, Action::pass);
  session().tags = {"spf=pass"};
  EXPECT_EQ(ask().action, Action::pass);
  session().tags = {"spf=fail"};
  EXPECT_EQ(ask().action, Action::reject);
}

TEST_F(RulesTest, TimeFollowsTheInjectedClock) {
  use("{time: ['Thu 08:00-18:00', Sat], do: accept}");  // the clock starts at Thursday, 00:00
  EXPECT_FALSE(accepts());
  host.clock().advance(7h + 59min + 59s);
  EXPECT_FALSE(accepts());
  host.clock().advance(1s);
  EXPECT_TRUE(accepts());
  host.clock().advance(10h - 1s);
  EXPECT_TRUE(accepts());
  host.clock().advance(1s);
  EXPECT_FALSE(accepts());
  host.clock().advance(30h);
  EXPECT_TRUE(accepts());
}

TEST_F(RulesTest, TimeUnderUnlessIsAskedToo) {
  use("{unless: {time: [Fri-Wed]}, do: accept}");
  EXPECT_TRUE(accepts());
  host.clock().advance(24h);
  EXPECT_FALSE(accepts());
}

TEST_F(RulesTest, UnlessTakesAwayWhatHasAnyOfItsConditions) {
  use("{to: [example.net], unless: {from: [a@example.org], client: [198.51.100.0/24]}, do: accept}");
  EXPECT_FALSE(accepts());
  session().mail_from = "b@example.org";
  EXPECT_TRUE(accepts());
  session().client = *Address::parse("198.51.100.1");
  EXPECT_FALSE(accepts());
}

TEST_F(RulesTest, ListsAreAskedAboutTheirOwnSubject) {
  const ListFile clients("192.0.2\npartner.example\n"), mail("eager@example.net\n"), senders("example.com\n");
  use("{client_list: [partners], do: accept}, {to_list: [eager], do: defer}, {from_list: [news], do: reject}",
      "{partners: {clients: [" + clients.path() + "]}, eager: {mail: [" + mail.path() + "]}, news: {mail: [" + senders.path() +
          "]}}");
  EXPECT_EQ(ask().action, Action::accept);
  session().client = *Address::parse("203.0.113.1");
  EXPECT_EQ(ask().action, Action::pass);
  session().client_name = "mx.partner.example";
  EXPECT_EQ(ask().action, Action::accept);
  session().client_name = "";
  EXPECT_EQ(ask("eager+x@example.net").action, Action::defer);
  EXPECT_EQ(ask("example.com").action, Action::pass);
  session().mail_from = "x@example.com";
  EXPECT_EQ(ask().action, Action::reject);
}

TEST_F(RulesTest, AListMayHaveSeveralFiles) {
  const ListFile one("192.0.2.1\n"), two("192.0.2.7\n");
  use("{client_list: [both], do: accept}", "{both: {clients: [" + one.path() + ", " + two.path() + "]}}");
  EXPECT_TRUE(accepts());
}

// A reload makes a new instance; transactions that began before keep the old one with its lists.
TEST_F(RulesTest, AnInstanceKeepsTheListsItBeganWith) {
  ListFile file("192.0.2.7\n");
  const std::string lists = "{l: {clients: [" + file.path() + "]}}";
  use("{client_list: [l], do: accept}", lists);
  const auto old = std::move(plugin);
  file.write("192.0.2.8\n");
  use("{client_list: [l], do: accept}", lists);
  EXPECT_EQ(old->on_rcpt(context, "b@example.net").action, Action::accept);
  EXPECT_FALSE(accepts());
  session().client = *Address::parse("192.0.2.8");
  EXPECT_TRUE(accepts());
}

TEST_F(RulesTest, AListThatBrokeSinceItWasCheckedIsNoSilence) {
  ListFile file("192.0.2.7\n");
  const auto result = read("{lists: {l: {clients: [" + file.path() + "]}}, rules: [{client_list: [l], do: accept}]}");
  file.write("192.0.2.256\n");
  EXPECT_THROW(Rules(result.config, host), ErrorException);
}

TEST_F(RulesTest, TagAndSetGoOnAndPassTheirTagsAlong) {
  use("{to: [example.net], do: tag, tags: [ours]}, {from: [example.org], do: set, set: {greylist.profile: slow}}");
  const auto verdict = ask();
  EXPECT_EQ(verdict.action, Action::pass);
  EXPECT_THAT(verdict.tags, ElementsAre("ours", "greylist.profile=slow"));
  EXPECT_THAT(ask("b@example.com").tags, ElementsAre("greylist.profile=slow"));
}

TEST_F(RulesTest, TagsOfRulesAboveComeWithTheDecision) {
  use("{do: tag, tags: [seen]}, {tagged: [seen], do: reject, tags: [bad], set: {x: y}}");
  const auto verdict = ask();
  EXPECT_EQ(verdict.action, Action::reject);
  EXPECT_THAT(verdict.tags, ElementsAre("seen", "bad", "x=y"));
}

TEST_F(RulesTest, OfSeveralRulesThatSetAParameterTheFirstCounts) {
  use("{to: [b@example.net], do: set, set: {greylist.profile: fast}}, {do: set, set: {greylist.profile: slow, other: '1'}}");
  EXPECT_THAT(ask().tags, ElementsAre("greylist.profile=fast", "other=1"));
  EXPECT_THAT(ask("c@example.net").tags, ElementsAre("greylist.profile=slow", "other=1"));
}

TEST_F(RulesTest, PassEndsTheListWithoutAnOpinion) {
  use("{to: [b@example.net], do: pass}, {do: reject}");
  EXPECT_EQ(ask().action, Action::pass);
  EXPECT_EQ(ask("c@example.net").action, Action::reject);
}

TEST_F(RulesTest, RepliesNeutrallyUnlessToldOtherwise) {
  use("{to: [a@], do: defer}, {to: [b@], do: reject}, {to: [c@], do: defer, reply: {code: 450, enhanced: 4.2.0, text: Come "
      "again}}, "
      "{do: reject, reply: {text: No}}");
  EXPECT_EQ(ask("a@x.example").reply.code, 451);
  EXPECT_EQ(ask("a@x.example").reply.enhanced, "4.7.1");
  EXPECT_EQ(ask("b@x.example").reply.code, 550);
  EXPECT_EQ(ask("b@x.example").reply.enhanced, "5.7.1");
  EXPECT_THAT(ask("b@x.example").reply.text, testing::Not(HasSubstr("rule")));
  const auto own = ask("c@x.example").reply;
  EXPECT_EQ(own.code, 450);
  EXPECT_EQ(own.enhanced, "4.2.0");
  EXPECT_EQ(own.text, "Come again");
  EXPECT_EQ(ask("d@x.example").reply.code, 550);
  EXPECT_EQ(ask("d@x.example").reply.text, "No");
}

TEST_F(RulesTest, TheReasonNamesRuleAndLine) {
  use("{name: postmaster, to: [postmaster@], do: accept},\n {do: tag, tags: [a]},\n {name: last, do: defer}");
  EXPECT_EQ(ask("postmaster@example.net").reason, "rule 'postmaster' (line 1)");
  EXPECT_EQ(ask().reason, "rule 'last' (line 3)");
  use("{do: tag, tags: [a]},\n {name: second, do: tag, tags: [b]}");
  EXPECT_EQ(ask().reason, "rule 1 (line 1), rule 'second' (line 2)");
}

TEST_F(RulesTest, CountsWhatEachRuleMatched) {
  use("{do: tag, tags: [a]}, {name: ours, to: [example.net], do: accept}");
  ask();
  ask("b@example.com");
  EXPECT_EQ(host.count("deferd_rules_matched_total", {{"rule", "1"}}), 2u);
  EXPECT_EQ(host.count("deferd_rules_matched_total", {{"rule", "ours"}}), 1u);
}

TEST_F(RulesTest, CountsNothingInADryRun) {
  use("{name: all, do: defer}");
  context.set_dry(true);
  EXPECT_EQ(ask().action, Action::defer);
  EXPECT_EQ(host.count("deferd_rules_matched_total"), 0u);
}

TEST_F(RulesTest, AnswersManySessionsAtOnce) {
  const ListFile file("/^mail\\d+\\.example\\.org$/\n192.0.2\n");
  use("{from: ['/^spam/'], do: reject}, {time: [Mon-Sun], client_list: [l], do: accept}",
      "{l: {clients: [" + file.path() + "]}}");
  std::vector<std::thread> threads;
  std::atomic<int> accepted = 0;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      FakeContext own(host);
      for (int n = 0; n < 500; ++n) accepted += plugin->on_rcpt(own, "b@example.net").action == Action::accept ? 1 : 0;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(accepted, 8 * 500);
}

TEST_F(RulesTest, TheExampleIsAWorkingConfiguration) {
  Problems problems;
  const auto file = load_yaml(RULES_EXAMPLE, problems);
  ASSERT_TRUE(file) << problems.to_string("rules.yaml");
  const Value& plugins = *file->find("plugins");
  const auto config = Config::schema().read(*plugins.items()[0].find("rules"), problems);
  EXPECT_THAT(problems.list(), IsEmpty()) << problems.to_string("rules.yaml");
  EXPECT_GE(config.rules.size(), 5u);
}

}  // namespace
}  // namespace deferd::rules
