#include "host/pipeline.h"

#include "host/decision_record.h"
#include "host/host_fixture.h"

namespace deferd {
namespace {

class PipelineTest : public HostTest {};

TEST_F(PipelineTest, LetsThroughWhenNobodyObjects) {
  use({{"one", says_at_rcpt(Verdict::pass())}});
  const auto decision = rcpt();
  EXPECT_EQ(decision.verdict.action, Action::pass);
  EXPECT_TRUE(decision.plugin.empty());
}

TEST_F(PipelineTest, TheFirstInConfigurationOrderDecides) {
  use({{"one", says_at_rcpt(Verdict::pass("one"))},
       {"two", says_at_rcpt(deferred("two"))},
       {"three", says_at_rcpt(Verdict::reject({550, "5.7.1", "No"}, "three"))}});
  const auto decision = rcpt();
  EXPECT_EQ(decision.plugin, "two");
  EXPECT_EQ(decision.verdict.action, Action::defer);
  EXPECT_EQ(decision.trace.size(), 2u) << "three need not be asked";
}

TEST_F(PipelineTest, WhoHasNothingToSayIsTracedOnlyWhereItIsExplained) {
  use({{"silent", says_at_rcpt(Verdict::pass())}, {"tagging", says_at_rcpt(Verdict::pass().tagged("seen"))}});
  const auto decision = rcpt();
  ASSERT_EQ(decision.trace.size(), 1u);
  EXPECT_EQ(decision.trace[0].plugin, "tagging");
  EXPECT_EQ(pipeline_.explain(Session{}, "b@example.org").trace.size(), 2u);
}

TEST_F(PipelineTest, APluginAboveWinsThoughTheOneBelowSpokeAtConnect) {
  use({{"rules", says_at_rcpt(Verdict::accept("postmaster"))}, {"blacklist", says_at_connect(deferred("listed"))}});
  const auto decision = rcpt();
  EXPECT_EQ(decision.plugin, "rules");
  EXPECT_EQ(decision.verdict.action, Action::accept);
}

TEST_F(PipelineTest, APluginBelowTheHolderIsNotAskedAnyMore) {
  int asked = 0;
  Script below;
  below.rcpt = [&](Context&, const std::string&) {
    ++asked;
    return Verdict::accept("no");
  };
  use({{"blacklist", says_at_connect(deferred("listed"))}, {"below", below}});
  EXPECT_EQ(rcpt().plugin, "blacklist");
  EXPECT_EQ(asked, 0);
}

TEST_F(PipelineTest, ANarrowerVerdictOfTheSamePluginCounts) {
  Script script = says_at_connect(deferred("at connect"));
  // Asked at RCPT only if it is above the holder; it is the holder itself, so its connect verdict stays.
  script.mail = [](Context&) { return Verdict::pass(); };
  use({{"one", script}});
  EXPECT_EQ(rcpt().verdict.reason, "at connect");
}

TEST_F(PipelineTest, EachRecipientIsDecidedByItself) {
  Script script;
  script.rcpt = [](Context&, const std::string& to) { return to == "trap@example.org" ? deferred() : Verdict::pass(); };
  use({{"one", script}});
  auto dialogue = open();
  dialogue->mail("a@example.net");
  EXPECT_EQ(dialogue->rcpt("trap@example.org").verdict.action, Action::defer);
  EXPECT_EQ(dialogue->rcpt("b@example.org").verdict.action, Action::pass);
  EXPECT_EQ(dialogue->session().rcpt_to, std::vector<std::string>{"b@example.org"});
}

TEST_F(PipelineTest, IdsOfDecisionsTellTheSessionAndCountUp) {
  use({{"one", says_at_rcpt(Verdict::pass())}});
  auto dialogue = open();
  dialogue->mail("a@example.net");
  const std::string first = dialogue->rcpt("b@example.org").id;
  const std::string second = dialogue->rcpt("c@example.org").id;
  EXPECT_EQ(first.size(), 18u);
  EXPECT_EQ(first.substr(0, 17), second.substr(0, 17));
  EXPECT_NE(first, second);
}

TEST_F(PipelineTest, TagsOfEarlierPluginsAreSeenByLaterOnesForThatRecipientOnly) {
  std::vector<bool> seen;
  Script tags;
  tags.rcpt = [](Context&, const std::string& to) {
    return to[0] == 't' ? Verdict::pass().tagged("rules.slow") : Verdict::pass();
  };
  Script looks;
  looks.rcpt = [&](Context& c, const std::string&) {
    seen.push_back(c.session().tagged("rules.slow"));
    return Verdict::pass();
  };
  use({{"rules", tags}, {"looks", looks}});
  auto dialogue = open();
  dialogue->mail("a@example.net");
  dialogue->rcpt("t@example.org");
  dialogue->rcpt("b@example.org");
  EXPECT_EQ(seen, (std::vector<bool>{true, false}));
}

TEST_F(PipelineTest, TagsOfTheConnectionStayForEveryMessage) {
  bool seen = false;
  Script tags;
  tags.connect = [](Context&) { return Verdict::pass().tagged("dns.none"); };
  Script looks;
  looks.rcpt = [&](Context& c, const std::string&) {
    seen = c.session().tagged("dns.none");
    return Verdict::pass();
  };
  use({{"dns", tags}, {"looks", looks}});
  auto dialogue = open();
  for (int message = 0; message < 2; ++message) {
    seen = false;
    dialogue->mail("a@example.net");
    dialogue->rcpt("b@example.org");
    EXPECT_TRUE(seen) << message;
  }
}

TEST_F(PipelineTest, AShadowIsAskedAndLoggedButDoesNotCount) {
  PluginOptions shadow;
  shadow.as = "trial";
  shadow.shadow = true;
  Script script;
  script.rcpt = [](Context& c, const std::string&) {
    TableRow row;
    row.prefix = Prefix(c.session().client);
    row.expires = c.clock().now() + std::chrono::hours(1);
    or_throw(c.tables().put(kTrapped, row));
    return deferred("trial says no").tagged("trial.hit");
  };
  script.reply = [](Context&, const Decision&) { return Pace{.delay = std::chrono::milliseconds(500)}; };
  use_with({{shadow, script}});
  const auto decision = rcpt();
  EXPECT_TRUE(decision.lets_through());
  EXPECT_EQ(decision.pace, Pace{});
  EXPECT_FALSE(or_throw(engine_->tables().find(kTrapped, Address::v4(0xc0000207))).row);
  EXPECT_TRUE(log_.contains("trial would defer: trial says no"));
}

TEST_F(PipelineTest, TheLongestWishForPaceCounts) {
  Script slow, slower;
  slow.reply = [](Context&, const Decision&) { return Pace{.delay = std::chrono::milliseconds(100)}; };
  slower.reply = [](Context&, const Decision&) { return Pace{.delay = std::chrono::milliseconds(300)}; };
  use({{"slower", slower}, {"slow", slow}});
  EXPECT_EQ(rcpt().pace.delay.count(), 300);
}

TEST_F(PipelineTest, WhatTheFrontEndFindsOutStaysForTheWholeSession) {
  std::vector<bool> tagged;
  Script script;
  script.rcpt = [&](Context& context, const std::string&) {
    tagged.push_back(context.session().tagged("smtp.early-talker"));
    return Verdict::pass();
  };
  use({{"greylist", script}});
  const auto dialogue = open();
  dialogue->mail("a@example.net");
  dialogue->rcpt("b@example.org");
  dialogue->tag("smtp.early-talker");
  dialogue->tag("smtp.early-talker");
  dialogue->rcpt("c@example.org");
  dialogue->mail("d@example.net");
  dialogue->rcpt("b@example.org");
  EXPECT_EQ(tagged, (std::vector<bool>{false, true, true}));
  EXPECT_EQ(dialogue->session().tags.size(), 1U);
}

TEST_F(PipelineTest, EverybodyIsToldOfEveryDecisionWhoeverMadeIt) {
  std::vector<std::string> told;
  Script learner = says_at_rcpt(Verdict::accept("never asked"));
  learner.decided = [&](Context&, const Decision& decision) { told.push_back(decision.plugin); };
  use({{"one", says_at_rcpt(deferred())}, {"learner", learner}});
  rcpt();
  EXPECT_EQ(told, std::vector<std::string>{"one"});
}

TEST_F(PipelineTest, VoiceDataHoldsDeferralsBackUntilDataAndDefersTheMessage) {
  Script script;
  script.rcpt = [](Context&, const std::string& to) { return to[0] == 'g' ? deferred("grey") : Verdict::pass(); };
  use({{"greylist", script}}, Voice::data);
  auto dialogue = open();
  dialogue->mail("a@example.net");
  EXPECT_TRUE(dialogue->rcpt("b@example.org").voiced);
  EXPECT_FALSE(dialogue->rcpt("g@example.org").voiced);
  const auto& decision = dialogue->data();
  EXPECT_EQ(decision.verdict.action, Action::defer);
  EXPECT_EQ(decision.verdict.reason, "grey");
  EXPECT_EQ(log_.lines().size(), 2u) << "a line for each recipient";
}

TEST_F(PipelineTest, VoiceDataTellsRejectionsAtOnce) {
  use({{"rules", says_at_rcpt(Verdict::reject({550, "5.1.1", "No such user"}, "unknown"))}}, Voice::data);
  EXPECT_TRUE(rcpt().voiced);
}

TEST_F(PipelineTest, AnAcceptProtectsTheMessageFromPluginsBelow) {
  Script data;
  data.data = [](Context&) { return deferred("content"); };
  use({{"rules", says_at_rcpt(Verdict::accept("postmaster"))}, {"content", data}});
  auto dialogue = open();
  dialogue->mail("a@example.net");
  dialogue->rcpt("postmaster@example.org");
  EXPECT_TRUE(dialogue->data().lets_through());
  dialogue->mail("a@example.net");
  use({{"rules", says_at_rcpt(Verdict::pass())}, {"content", data}});
  dialogue->mail("a@example.net");
  dialogue->rcpt("b@example.org");
  EXPECT_FALSE(dialogue->data().lets_through());
}

TEST_F(PipelineTest, ARecipientThatTheMtaRefusesTakesNoProtectionAway) {
  Script rules, data;
  rules.rcpt = [](Context&, const std::string& to) { return to == "abuse" ? Verdict::accept("role") : Verdict::pass(); };
  data.data = [](Context&) { return deferred("content"); };
  use({{"rules", rules}, {"content", data}});
  auto dialogue = open();
  dialogue->mail("a@example.net");
  dialogue->rcpt("abuse");
  dialogue->rcpt("nobody@example.org");
  dialogue->drop_last_recipient();
  EXPECT_EQ(dialogue->session().rcpt_to, std::vector<std::string>{"abuse"});
  EXPECT_TRUE(dialogue->data().lets_through());
  dialogue->rcpt("b@example.org");
  EXPECT_FALSE(dialogue->data().lets_through());
}

TEST_F(PipelineTest, ATransactionKeepsTheGenerationItBeganWith) {
  use({{"old", says_at_rcpt(deferred("old"))}});
  auto dialogue = open();
  dialogue->mail("a@example.net");
  use({{"new", says_at_rcpt(deferred("new"))}});
  EXPECT_EQ(dialogue->rcpt("b@example.org").plugin, "old");
  dialogue->mail("a@example.net");
  EXPECT_EQ(dialogue->rcpt("b@example.org").plugin, "new");
}

TEST_F(PipelineTest, StateOfAPluginLastsOneTransaction) {
  std::vector<int> counts;
  Script script;
  script.rcpt = [&](Context& c, const std::string&) {
    counts.push_back(++c.state<int>());
    return Verdict::pass();
  };
  use({{"one", script}});
  auto dialogue = open();
  dialogue->mail("a@example.net");
  dialogue->rcpt("b@example.org");
  dialogue->rcpt("c@example.org");
  dialogue->mail("a@example.net");
  dialogue->rcpt("b@example.org");
  EXPECT_EQ(counts, (std::vector<int>{1, 2, 1}));
}

TEST_F(PipelineTest, ExplainChangesNothing) {
  Script script;
  script.rcpt = [](Context& c, const std::string&) {
    EXPECT_TRUE(c.dry());
    const Change change{"key", "value", c.clock().now() + std::chrono::hours(1), {}};
    or_throw(c.store().commit("group", std::span(&change, 1)));
    TableRow row;
    row.prefix = Prefix(c.session().client);
    row.expires = c.clock().now() + std::chrono::hours(1);
    or_throw(c.tables().put(kWhite, row));
    return deferred("explained");
  };
  bool told = false;
  script.decided = [&](Context&, const Decision&) { told = true; };
  use({{"one", script}});
  Session session;
  session.client = Address::v4(0xc0000207);
  session.mail_from = "a@example.net";
  const auto decision = pipeline_.explain(session, "b@example.org");
  EXPECT_EQ(decision.verdict.reason, "explained");
  EXPECT_FALSE(told);
  EXPECT_TRUE(log_.lines().empty());
  EXPECT_TRUE(or_throw(engine_->open_space("one")->scan("", "", 10)).records.empty());
  EXPECT_TRUE(or_throw(engine_->tables().scan(kWhite, "", 10)).rows.empty());
}

TEST_F(PipelineTest, OneDecisionIsOneLineWithStrangersNamedByField) {
  use({{"greylist", says_at_rcpt(deferred("not retried yet"))}});
  const auto decision = rcpt();
  ASSERT_EQ(log_.lines().size(), 1u);
  EXPECT_EQ(log_.lines()[0], "info rcpt.defer id=" + decision.id +
                                 " client=192.0.2.7 helo=client.example from=a@example.net rcpt=b@example.org plugin=greylist "
                                 "reason=not retried yet code=451");
}

TEST_F(PipelineTest, DecisionsAreOnRecordUnderTheirId) {
  use({{"greylist", says_at_rcpt(deferred("not retried yet"))}});
  const auto decision = rcpt();
  pipeline_.flush_decisions();
  const auto record = or_throw(engine_->decisions().find(decision.id));
  EXPECT_EQ(or_throw(unpack_decision(record.packed)).decision.verdict.reason, "not retried yet");
}

TEST_F(PipelineTest, TheAuthenticatedUserIsOnRecord) {
  use({{"greylist", says_at_rcpt(deferred())}});
  auto dialogue = open();
  dialogue->session().auth = "someone";
  dialogue->mail("a@example.net");
  const auto id = dialogue->rcpt("b@example.org").id;
  pipeline_.flush_decisions();
  EXPECT_EQ(or_throw(unpack_decision(or_throw(engine_->decisions().find(id)).packed)).session.auth, "someone");
}

TEST_F(PipelineTest, ACommandGoesToWhoeverKnowsIt) {
  struct Collect : Rows {
    std::vector<std::string> lines;
    bool row(const Value& row) override {
      lines.push_back(row.to_json());
      return true;
    }
  } rows;
  Script knows, knows_not;
  knows.command = [](Context&, std::string_view name, const Value&, Rows& out) -> Result<void> {
    out.row(Value::map().set("asked", name));
    return {};
  };
  knows_not.command = [](Context&, std::string_view, const Value&, Rows&) -> Result<void> { return fail(Errc::not_found, "no"); };
  use({{"one", knows_not}, {"two", knows}});
  EXPECT_TRUE(pipeline_.command("", "list-grey", Value::map(), rows));
  EXPECT_EQ(rows.lines.size(), 1u);
  EXPECT_EQ(pipeline_.command("one", "list-grey", Value::map(), rows).error().code, Errc::not_found);
  EXPECT_EQ(pipeline_.command("three", "list-grey", Value::map(), rows).error().code, Errc::not_found);
}

TEST_F(PipelineTest, TheEndOfASessionIsToldToWhoeverWasAsked) {
  int ended = 0;
  Script script = says_at_rcpt(Verdict::pass());
  script.disconnect = [&](Context&) { ++ended; };
  use({{"one", script}});
  open().reset();
  EXPECT_EQ(ended, 0) << "nobody was asked anything";
  rcpt();
  EXPECT_EQ(ended, 1);
}

TEST_F(PipelineTest, AClientThatLeavesAfterEhloIsToldOfToo) {
  int ended = 0;
  Script script;
  script.disconnect = [&](Context& c) { ended += c.session().rcpt_to.empty() ? 1 : 100; };
  use({{"one", script}});
  {
    auto dialogue = open();
    dialogue->connect();
    dialogue->helo();
  }
  EXPECT_EQ(ended, 1);
}

TEST_F(PipelineTest, HowLongMailWaitedIsTheLongestThatAnyPluginTells) {
  use({{"one", says_at_rcpt(Verdict::pass().after_waiting(std::chrono::minutes(7)))}});
  auto dialogue = open();
  dialogue->mail("a@example.net");
  dialogue->rcpt("b@example.org");
  dialogue->data();
  EXPECT_EQ(dialogue->accepted(), std::chrono::minutes(7));
}

TEST_F(PipelineTest, AClientIsWhiteByItsRowUnlessItIsTrapped) {
  use({});
  auto dialogue = open("192.0.2.7");
  EXPECT_FALSE(dialogue->client_is_white());
  TableRow row;
  row.prefix = *Prefix::parse("192.0.2.7");
  row.expires = Time::max();
  or_throw(engine_->tables().put(kWhite, row));
  EXPECT_TRUE(dialogue->client_is_white());
  or_throw(engine_->tables().put(kTrapped, row));
  EXPECT_FALSE(dialogue->client_is_white());
}

}  // namespace
}  // namespace deferd
