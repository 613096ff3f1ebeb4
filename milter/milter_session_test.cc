#include "milter/milter_session.h"

#include <gmock/gmock.h>

#include <array>
#include <optional>

#include "milter/fake_macros.h"
#include "milter/scripted_dialogue.h"

namespace deferd {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const FakeMacros kNone;

class MilterSessionTest : public testing::Test {
 protected:
  MilterSession& session() {
    if (!session_) session_.emplace(open_, std::make_shared<const MilterConfig>(config));
    return *session_;
  }
  MilterReply connect(const char* client = "192.0.2.7", const FakeMacros& macros = {}) {
    return session().connect("mail.example.org", {*Address::parse(client), 25001}, macros);
  }
  MilterReply mail(std::string_view from, const FakeMacros& macros = {}) { return session().mail(std::array{from}, macros); }
  MilterReply rcpt(std::string_view to, const FakeMacros& macros = {}) { return session().rcpt(std::array{to}, macros); }
  int rcpt_code(std::string_view to) { return rcpt(to).code; }
  void greet() {
    connect();
    session().helo("mail.example.org", FakeMacros{});
  }
  MilterReply whole_message(std::string_view to) {
    mail("<a@example.org>");
    rcpt(to);
    session().data(kNone);
    return session().end(kNone);
  }

  MilterConfig config;
  Script script;

 private:
  OpenDialogue open_ = [this](Session s, Voice) { return std::make_unique<ScriptedDialogue>(script, std::move(s)); };
  std::optional<MilterSession> session_;
};

TEST_F(MilterSessionTest, AsksNobodyBeforeMail) {
  greet();
  EXPECT_THAT(script.take(), IsEmpty());
  mail("<a@example.org>");
  EXPECT_THAT(script.take(), ElementsAre("open", "mail a@example.org"));
}

TEST_F(MilterSessionTest, AsksOfEachRecipient) {
  greet();
  mail("<a@example.org>");
  EXPECT_EQ(rcpt_code("<b@example.net>"), 0);
  EXPECT_EQ(rcpt_code("<defer@example.net>"), 451);
  EXPECT_EQ(rcpt_code("<reject@example.net>"), 554);
  EXPECT_EQ(rcpt_code("<close@example.net>"), 421);
  EXPECT_THAT(script.take(), ElementsAre("open", "mail a@example.org", "rcpt b@example.net", "rcpt defer@example.net",
                                         "rcpt reject@example.net", "rcpt close@example.net"));
}

TEST_F(MilterSessionTest, TellsOfTheSenderOnlyAtTheRecipients) {
  greet();
  EXPECT_EQ(mail("<reject@example.org>").kind, MilterReply::Kind::go_on);
}

TEST_F(MilterSessionTest, FillsInWhatTheMtaKnows) {
  connect("192.0.2.7", {{"{daemon_name}", "mx"}, {"{daemon_addr}", "198.51.100.1"}, {"{daemon_port}", "25"}});
  session().helo("mail.example.org", FakeMacros{{"{tls_version}", "TLSv1.3"}, {"{verify}", "OK"}, {"{cert_subject}", "cn"}});
  const FakeMacros macros{{"i", "4QTEST"}, {"{tls_version}", "TLSv1.3"}, {"{verify}", "OK"}, {"{cert_subject}", "cn"}};
  session().mail(std::array<std::string_view, 3>{"<a@example.org>", "SIZE=1000", "BODY=8BITMIME"}, macros);
  const auto& known = *script.session;
  EXPECT_EQ(known.front_end, "milter");
  EXPECT_EQ(known.client.to_string(), "192.0.2.7");
  EXPECT_EQ(known.client_port, 25001);
  EXPECT_EQ(known.client_name, "mail.example.org");
  EXPECT_EQ(known.local.to_string(), "198.51.100.1");
  EXPECT_EQ(known.local_port, 25);
  EXPECT_EQ(known.listener, "mx");
  EXPECT_EQ(known.helo, "mail.example.org");
  EXPECT_TRUE(known.tls);
  EXPECT_EQ(known.tls_subject, "cn");
  EXPECT_EQ(known.queue_id, "4QTEST");
  EXPECT_THAT(known.mail_parameters, ElementsAre("SIZE=1000", "BODY=8BITMIME"));
}

TEST_F(MilterSessionTest, KnowsIpv6Clients) {
  connect("2001:db8::7");
  mail("<>");
  EXPECT_EQ(script.session->client.to_string(), "2001:db8::7");
  EXPECT_EQ(script.session->mail_from, "");
}

TEST_F(MilterSessionTest, PicksTheQueueIdUpWhenItComes) {
  greet();
  mail("<a@example.org>");
  rcpt("<b@example.net>");
  EXPECT_EQ(script.session->queue_id, "");
  rcpt("<c@example.net>", {{"i", "4QTEST"}});
  EXPECT_EQ(script.session->queue_id, "4QTEST");
  session().abort();
  mail("<a@example.org>");
  EXPECT_EQ(script.session->queue_id, "");
}

TEST_F(MilterSessionTest, NoticesAuthenticationBetweenMessages) {
  greet();
  mail("<a@example.org>");
  EXPECT_EQ(script.session->auth, "");
  session().abort();
  mail("<a@example.org>", {{"{auth_authen}", "anna"}});
  EXPECT_EQ(script.session->auth, "anna");
}

TEST_F(MilterSessionTest, AsksAnewOfAnotherHelo) {
  greet();
  mail("<a@example.org>");
  session().abort();
  script.take();
  session().helo("mail.example.org", FakeMacros{});
  EXPECT_THAT(script.take(), IsEmpty());
  EXPECT_EQ(session().helo("reject", FakeMacros{}).kind, MilterReply::Kind::go_on);
  EXPECT_THAT(script.take(), ElementsAre("helo reject"));
}

TEST_F(MilterSessionTest, PassesLocalSubmissionsUnasked) {
  for (const auto& step : {session().connect("localhost", MilterPeer{}, FakeMacros{}), session().helo("reject", FakeMacros{}),
                           mail("<defer@x>"), rcpt("<defer@x>"), session().data(kNone), session().end(kNone)})
    EXPECT_EQ(step.kind, MilterReply::Kind::go_on);
  EXPECT_THAT(script.take(), IsEmpty());
}

TEST_F(MilterSessionTest, PassesWhatComesWithoutAConnect) {
  mail("<a@example.org>");
  EXPECT_EQ(rcpt_code("<defer@example.net>"), 0);
  EXPECT_THAT(script.take(), IsEmpty());
}

TEST_F(MilterSessionTest, AnswersARecipientWithoutAMail) {
  greet();
  EXPECT_EQ(rcpt_code("<defer@example.net>"), 0);
  EXPECT_EQ(session().data(kNone).kind, MilterReply::Kind::go_on);
  EXPECT_EQ(session().end(kNone).kind, MilterReply::Kind::go_on);
}

TEST_F(MilterSessionTest, DoesNotAskOfRecipientsTheMtaHasRefused) {
  greet();
  mail("<a@example.org>");
  EXPECT_EQ(rcpt("<defer@example.net>", {{"{rcpt_mailer}", "error"}}).kind, MilterReply::Kind::go_on);
  EXPECT_EQ(rcpt("<b@example.net>", {{"{rcpt_mailer}", "esmtp"}}).kind, MilterReply::Kind::go_on);
  EXPECT_THAT(script.take(), ElementsAre("open", "mail a@example.org", "rcpt b@example.net"));
}

TEST_F(MilterSessionTest, TellsThePluginsOfAnAcceptedMessage) {
  greet();
  EXPECT_EQ(whole_message("<b@example.net>").kind, MilterReply::Kind::go_on);
  EXPECT_THAT(script.take(), ElementsAre("open", "mail a@example.org", "rcpt b@example.net", "accepted", "reset"));
  EXPECT_EQ(session().delay_header(), "");
}

TEST_F(MilterSessionTest, TellsTheRecipientHowLongTheMailWasKeptWaiting) {
  connect("192.0.2.7", {{"j", "mx.example.net"}});
  whole_message("<waited@example.net>");
  EXPECT_EQ(session().delay_header(), "delayed 00:07:12 by deferd at mx.example.net");
  whole_message("<b@example.net>");
  EXPECT_EQ(session().delay_header(), "");
}

TEST_F(MilterSessionTest, AddsNoHeaderIfNoneIsWanted) {
  config.header = "";
  greet();
  whole_message("<waited@example.net>");
  EXPECT_EQ(session().delay_header(), "");
}

TEST_F(MilterSessionTest, KeepsAStrangeHostNameOutOfTheHeader) {
  connect("192.0.2.7", {{"j", "x\r\nBcc: y"}});
  whole_message("<waited@example.net>");
  EXPECT_EQ(session().delay_header(), "delayed 00:07:12 by deferd");
}

TEST_F(MilterSessionTest, CarriesManyMessagesOnOneDialogue) {
  greet();
  for (int i = 0; i < 3; ++i) whole_message("<b@example.net>");
  EXPECT_THAT(script.take(), ElementsAre("open", "mail a@example.org", "rcpt b@example.net", "accepted", "reset",
                                         "mail a@example.org", "rcpt b@example.net", "accepted", "reset", "mail a@example.org",
                                         "rcpt b@example.net", "accepted", "reset"));
}

TEST_F(MilterSessionTest, ForgetsAnAbortedMessage) {
  greet();
  mail("<a@example.org>");
  rcpt("<b@example.net>");
  session().abort();
  EXPECT_THAT(script.take(), ElementsAre("open", "mail a@example.org", "rcpt b@example.net", "reset"));
  session().abort();
  EXPECT_THAT(script.take(), IsEmpty());
}

TEST_F(MilterSessionTest, TakesAMailWithinAMessageForANewOne) {
  greet();
  mail("<a@example.org>");
  mail("<b@example.org>");
  EXPECT_THAT(script.take(), ElementsAre("open", "mail a@example.org", "reset", "mail b@example.org"));
}

TEST_F(MilterSessionTest, WithVoiceDataTellsADeferralAtData) {
  script.voice = config.voice = Voice::data;
  greet();
  mail("<a@example.org>");
  EXPECT_EQ(rcpt_code("<b@example.net>"), 0);
  EXPECT_EQ(rcpt_code("<defer@example.net>"), 0);
  EXPECT_EQ(session().data(kNone).code, 451);
}

TEST_F(MilterSessionTest, WithVoiceDataStillTellsAnMtaThatPassesOnNoData) {
  script.voice = config.voice = Voice::data;
  greet();
  mail("<a@example.org>");
  rcpt("<defer@example.net>");
  EXPECT_EQ(session().end(kNone).code, 451);
}

TEST_F(MilterSessionTest, AnUntoldDeferralIsNotDelayedAtTheRecipient) {
  script.voice = config.voice = Voice::data;
  script.pace = std::chrono::seconds(3);
  greet();
  mail("<a@example.org>");
  EXPECT_EQ(rcpt("<defer@example.net>").pace.count(), 0);
  EXPECT_EQ(session().data(kNone).pace, std::chrono::seconds(3));
}

TEST_F(MilterSessionTest, AsksAtDataOnlyWhoWantsIt) {
  greet();
  mail("<a@example.org>");
  rcpt("<b@example.net>");
  script.take();
  session().data(kNone);
  EXPECT_THAT(script.take(), IsEmpty());
  session().abort();

  script.hooks = hook::data;
  script.at_data = "reject";
  mail("<a@example.org>");
  rcpt("<b@example.net>");
  EXPECT_EQ(session().data(kNone).code, 554);
}

TEST_F(MilterSessionTest, JudgesTheHeadersAtTheEnd) {
  script.hooks = hook::headers;
  script.at_headers = "defer";
  greet();
  mail("<a@example.org>");
  rcpt("<b@example.net>");
  session().header("Subject", "one\r\n two");
  EXPECT_THAT(script.session->headers, ElementsAre(testing::Pair("Subject", "one two")));
  EXPECT_EQ(session().end(kNone).code, 451);
}

TEST_F(MilterSessionTest, DoesNotJudgeHeadersTheMtaWasToldToKeep) {
  script.hooks = hook::headers;
  script.at_headers = "defer";
  greet();
  EXPECT_EQ(whole_message("<b@example.net>").kind, MilterReply::Kind::go_on);
}

TEST_F(MilterSessionTest, BoundsWhatStrangersSend) {
  const std::string much(100000, 'x');
  connect();
  session().helo(much, FakeMacros{});
  const std::vector<std::string_view> many(1000, much);
  session().mail(many, FakeMacros{{"{auth_authen}", much}});
  rcpt(much);
  for (int i = 0; i < 1000; ++i) session().header("X-A", "v");
  for (int i = 0; i < 10; ++i) session().header("X-A", much);
  const auto& known = *script.session;
  EXPECT_LE(known.helo.size(), 512u);
  EXPECT_LE(known.mail_from.size(), 512u);
  EXPECT_LE(known.auth.size(), 512u);
  EXPECT_LE(known.mail_parameters.size(), 20u);
  EXPECT_LE(known.mail_parameters[0].size(), 512u);
  EXPECT_LE(known.headers.size(), 500u);
  EXPECT_LE(known.rcpt_to[0].size(), 512u);
}

TEST_F(MilterSessionTest, WithVoiceConnectTellsAtOnce) {
  config.voice = Voice::connect;
  EXPECT_EQ(session().connect("reject.example.org", {*Address::parse("192.0.2.7"), 1}, FakeMacros{}).code, 554);
  EXPECT_EQ(session().helo("defer", FakeMacros{}).code, 451);
  EXPECT_EQ(mail("<close@example.org>").code, 421);
  EXPECT_THAT(script.take(), ElementsAre("open", "connect 192.0.2.7", "helo defer", "mail close@example.org"));
}

TEST_F(MilterSessionTest, IsBusyWhileAMessageMayStillGetIn) {
  greet();
  EXPECT_FALSE(session().busy());
  mail("<a@example.org>");
  EXPECT_TRUE(session().busy());
  rcpt("<defer@example.net>");
  EXPECT_FALSE(session().busy());
  rcpt("<b@example.net>");
  EXPECT_TRUE(session().busy());
  session().end(kNone);
  EXPECT_FALSE(session().busy());
}

TEST_F(MilterSessionTest, PassesTheRestAfterAFault) {
  greet();
  mail("<a@example.org>");
  EXPECT_THROW(rcpt("<throw@example.net>"), std::runtime_error);
  session().stop_asking();
  EXPECT_EQ(rcpt_code("<defer@example.net>"), 0);
  EXPECT_EQ(session().end(kNone).kind, MilterReply::Kind::go_on);
  mail("<a@example.org>");
  EXPECT_EQ(rcpt_code("<defer@example.net>"), 0);
}

}  // namespace
}  // namespace deferd
