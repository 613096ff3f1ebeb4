// What a session has the MTA do: who is joined with it, and who is asked about to the end.
#include "smtp/session_fixture.h"

namespace deferd::smtp {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::StartsWith;

class SessionMtaTest : public SessionTest {
 protected:
  SessionMtaTest() {
    config.handover.to = "127.0.0.1:10025";
    rules.handover = true;
    rules.mta_extensions = {"SIZE 10240000", "8BITMIME", "DSN"};
    script.hooks = hook::accepted;
  }
  /// HELO and MAIL.
  void begin() { send("HELO client.example\r\nMAIL FROM:<a@example.org>\r\n"); }
  std::vector<std::string> rcpt(const std::string& name) { return send("RCPT TO:<" + name + "@example.net>\r\n"); }
  /// What plugins heard of messages that were taken.
  std::vector<std::string> accepted() {
    auto calls = script.take();
    std::erase_if(calls, [](const std::string& call) { return !call.starts_with("accepted"); });
    return calls;
  }
};

TEST_F(SessionMtaTest, WhoPassesReachesTheMtaWithItsOwnWords) {
  play(R"(
S: 220 mx.example ESMTP
C: ehlo client.example
S: 250-mx.example Ready
S: 250-SIZE 10240000
S: 250-8BITMIME
S: 250 DSN
C: mail from:<a@example.org>  SIZE=100 RET=HDRS ENVID=abc
S: 250 2.1.0 OK
C: rcpt to: <b@example.net> NOTIFY=NEVER
* open
)");
  const auto& words = session().mta_order().words;
  EXPECT_TRUE(words.extended);
  EXPECT_EQ(words.helo, "client.example");
  EXPECT_EQ(words.mail, "mail from:<a@example.org>  SIZE=100 RET=HDRS ENVID=abc");
  EXPECT_EQ(words.rcpt, "rcpt to: <b@example.net> NOTIFY=NEVER");
}

TEST_F(SessionMtaTest, HeloStaysHelo) {
  begin();
  EXPECT_THAT(rcpt("exempt"), ElementsAre("* join"));
  EXPECT_FALSE(session().mta_order().words.extended);
}

TEST_F(SessionMtaTest, OffersTlsBesideWhatTheMtaOffers) {
  rules.tls_offered = true;
  EXPECT_THAT(send("EHLO client.example\r\n"), Contains("S: 250 STARTTLS"));
}

TEST_F(SessionMtaTest, WhileTheProbeFailsNobodyIsHandedOver) {
  rules.handover = false;
  begin();
  EXPECT_THAT(rcpt("white"), ElementsAre("S: 451 4.7.1 Please try again later"));
}

TEST_F(SessionMtaTest, NoneAfterA250) {
  config.voice = Voice::data;
  begin();
  EXPECT_THAT(rcpt("defer"), ElementsAre("S: 250 2.1.5 OK"));
  EXPECT_THAT(rcpt("b"), ElementsAre("S: 250 2.1.5 OK"));
  EXPECT_THAT(send("DATA\r\n"), ElementsAre("S: 451 4.7.1 Come back", "* hang up"));
}

TEST_F(SessionMtaTest, ParametersCannotCarryLineEnds) {
  send("EHLO client.example\r\n");
  EXPECT_THAT(send("MAIL FROM:<a@example.org> ENVID=a\rDATA\r\n"), ElementsAre(StartsWith("S: 501 ")));
  EXPECT_THAT(send("MAIL FROM:<a@example.org>\r\r\n"), ElementsAre(StartsWith("S: 5")));
  EXPECT_THAT(send("MAIL FROM:<a\r@example.org>\r\n"), ElementsAre(StartsWith("S: 501 ")));
}

// ---- joined

TEST_F(SessionMtaTest, AWhiteClientIsJoinedWithTheMta) {
  begin();
  EXPECT_THAT(rcpt("white"), ElementsAre("* join"));
  EXPECT_TRUE(session().with_mta());
}

TEST_F(SessionMtaTest, RecipientsToldToComeAgainDoNotHinderIt) {
  begin();
  EXPECT_THAT(rcpt("defer"), ElementsAre("S: 451 4.7.1 Come back"));
  EXPECT_THAT(rcpt("reject"), ElementsAre("S: 550 5.7.1 No"));
  EXPECT_THAT(rcpt("white"), ElementsAre("* join"));
  EXPECT_EQ(session().mta_order().words.rcpt, "RCPT TO:<white@example.net>");
}

TEST_F(SessionMtaTest, AWhiteClientIsNotJoinedForARecipientThatIsOpenToEverybody) {
  begin();
  EXPECT_THAT(rcpt("white"), ElementsAre("* join"));
  session().mta_failed();
  EXPECT_THAT(rcpt("accept"), ElementsAre("* open"));
}

TEST_F(SessionMtaTest, AWhiteClientIsNotJoinedWhileAPluginThatCountsFails) {
  begin();
  EXPECT_THAT(rcpt("white.failed"), ElementsAre("* open"));
  session().mta_failed();
  EXPECT_THAT(rcpt("white.shadow-failed"), ElementsAre("* join"));
}

TEST_F(SessionMtaTest, PluginsHearOfEachMessageTheMtaTakes) {
  begin();
  rcpt("white");
  play("! taken b@example.net c@example.net\n* join\n! taken d@example.net\n* join\n");
  EXPECT_THAT(accepted(),
              ElementsAre("accepted a@example.org -> b@example.net c@example.net", "accepted a@example.org -> d@example.net"));
}

TEST_F(SessionMtaTest, PluginsHearNothingOfAJoinedClientThatIsWhiteNoMore) {
  begin();
  rcpt("white");
  script.all_trapped = true;
  play("! taken b@example.net\n* join\n");
  EXPECT_THAT(accepted(), ElementsAre());
}

TEST_F(SessionMtaTest, PluginsHearOfMessagesOfExemptClients) {
  begin();
  rcpt("exempt");
  play("! taken b@example.net\n* join\n");
  EXPECT_THAT(accepted(), ElementsAre("accepted a@example.org -> b@example.net"));
}

TEST_F(SessionMtaTest, NobodyIsAskedIfNoPluginCares) {
  script.hooks = 0;
  begin();
  rcpt("white");
  asks = 0;
  play("! taken b@example.net\n* join\n");
  EXPECT_EQ(asks, 0);
  EXPECT_THAT(accepted(), ElementsAre());
}

// ---- led by the session

TEST_F(SessionMtaTest, AMessageOfAClientThatIsNotWhite) {
  play(R"(
S: 220 mx.example ESMTP
C: HELO client.example
S: 250 mx.example Ready
C: MAIL FROM:<a@example.org>
S: 250 2.1.0 OK
C: RCPT TO:<b@example.net>
* open
! 250 2.1.5 mta: yes
S: 250 2.1.5 mta: yes
C: RCPT TO:<c@example.net>
* rcpt
! 550 5.1.1 mta: unknown
S: 550 5.1.1 mta: unknown
C: RCPT TO:<d@example.net>
* rcpt
! 250 2.1.5 mta: yes
S: 250 2.1.5 mta: yes
C: DATA
* data
! 354 mta: go on
S: 354 mta: go on
* message
! last 250 2.0.0 mta: queued
* leave mta
S: 250 2.0.0 mta: queued
C: MAIL FROM:<a@example.org>
S: 250 2.1.0 OK
C: RCPT TO:<defer@example.net>
S: 451 4.7.1 Come back
C: QUIT
S: 221 2.0.0 mx.example Bye
* hang up
)");
  EXPECT_THAT(accepted(), ElementsAre("accepted a@example.org -> b@example.net d@example.net"));
}

TEST_F(SessionMtaTest, AStrangersRecipientNeverReachesTheMtaBehindOneThatIsOpenToEverybody) {
  begin();
  play(R"(
C: RCPT TO:<accept@example.net>
* open
! 250 2.1.5 mta: postmaster
S: 250 2.1.5 mta: postmaster
C: RCPT TO:<defer@example.net>
S: 451 4.7.1 Come back
C: RCPT TO:<reject@example.net>
S: 550 5.7.1 No
C: DATA
* data
! 354 mta: go on
S: 354 mta: go on
* message
! last 250 2.0.0 mta: queued
* leave mta
S: 250 2.0.0 mta: queued
)");
  EXPECT_THAT(accepted(), ElementsAre("accepted a@example.org -> accept@example.net"));
}

TEST_F(SessionMtaTest, WhoBecomesWhiteInATransactionIsLedToItsEnd) {
  begin();
  play(
      "C: RCPT TO:<b@example.net>\n* open\n! 250 yes\nS: 250 yes\nC: RCPT TO:<white@example.net>\n* rcpt\n! 250 yes\nS: 250 "
      "yes\n");
}

TEST_F(SessionMtaTest, PluginsMayRefuseTheMessageAtData) {
  script.hooks = hook::data | hook::accepted;
  script.at_data = "reject";
  begin();
  play("C: RCPT TO:<b@example.net>\n* open\n! 250 yes\nS: 250 yes\nC: DATA\nS: 550 5.7.1 No\n* hang up\n");
  EXPECT_THAT(accepted(), ElementsAre());
}

TEST_F(SessionMtaTest, WithoutARecipientTheMessageIsNotBegun) {
  begin();
  play(R"(
C: RCPT TO:<b@example.net>
* open
! 550 5.1.1 mta: unknown
S: 550 5.1.1 mta: unknown
C: DATA
S: 554 5.5.1 No valid recipients
C: RCPT TO:<c@example.net>
* rcpt
! 450 4.2.1 mta: later
S: 450 4.2.1 mta: later
C: DATA
S: 451 4.5.1 No valid recipients
)");
}

TEST_F(SessionMtaTest, TheMtasWordOnAMessageStandsEvenIfPluginsCannotBeTold) {
  script.on_call = [](std::string_view call) {
    if (call.starts_with("accepted")) throw std::runtime_error("no memory");
  };
  begin();
  rcpt("b");
  play(
      "! 250 yes\nS: 250 yes\nC: DATA\n* data\n! 354 go on\nS: 354 go on\n* message\n! last 250 queued\n* leave mta\n"
      "S: 250 queued\n* hang up\n");
  leave();
  begin();
  rcpt("white");
  play("! taken b@example.net\n* join\n");
}

TEST_F(SessionMtaTest, AMessageTheMtaRefusesIsToldToNobody) {
  begin();
  play(R"(
C: RCPT TO:<b@example.net>
* open
! 250 yes
S: 250 yes
C: DATA
* data
! 354 go on
S: 354 go on
* message
! last 552 too much
* leave mta
S: 552 too much
C: DATA
S: 503 5.5.1 Say RCPT first
)");
  EXPECT_THAT(accepted(), ElementsAre());
}

TEST_F(SessionMtaTest, ARefusalInTheMiddleOfAMessageEndsTheSession) {
  begin();
  rcpt("b");
  play(
      "! 250 yes\nS: 250 yes\nC: DATA\n* data\n! 354 go on\nS: 354 go on\n* message\n! cut 552 too much\n* leave mta\nS: 552 too "
      "much\n* hang up\n");
}

TEST_F(SessionMtaTest, AnMtaThatRefusesDataIsLeft) {
  begin();
  rcpt("b");
  play(
      "! 250 yes\nS: 250 yes\nC: DATA\n* data\n! last 452 full\n* leave mta\nS: 452 full\nC: RCPT TO:<c@example.net>\nS: 503 "
      "5.5.1 Say MAIL first\n");
}

struct Leaving {
  const char* name;
  const char* line;
};

class SessionLeavesMtaTest : public SessionMtaTest, public testing::WithParamInterface<Leaving> {};

TEST_P(SessionLeavesMtaTest, WithTheTransaction) {
  rules.tls_offered = true;
  begin();
  rcpt("b");
  play("! 250 yes\nS: 250 yes\n");
  send(std::string(GetParam().line) + "\r\n");
  EXPECT_FALSE(session().with_mta());
  EXPECT_THAT(send("DATA\r\n"), Contains(StartsWith("S: 503 ")));
}

INSTANTIATE_TEST_SUITE_P(Session, SessionLeavesMtaTest,
                         testing::Values(Leaving{"rset", "RSET"}, Leaving{"ehlo", "EHLO client.example"},
                                         Leaving{"helo", "HELO client.example"}, Leaving{"starttls", "STARTTLS"}),
                         [](const auto& leaving) { return leaving.param.name; });

TEST_F(SessionMtaTest, TheMtaIsLeftBeforeTlsBegins) {
  rules.tls_offered = true;
  begin();
  rcpt("b");
  play("! 250 yes\nS: 250 yes\nC: STARTTLS\n* leave mta\nS: 220 2.0.0 Ready to start TLS\n* start tls\n");
}

TEST_F(SessionMtaTest, OtherCommandsAreAnsweredHere) {
  begin();
  rcpt("b");
  play(R"(
! 250 yes
S: 250 yes
C: NOOP
S: 250 2.0.0 OK
C: MAIL FROM:<other@example.org>
S: 503 5.5.1 There is a sender already
C: BDAT 10 LAST
S: 502 5.5.1 Command not implemented
C: XCLIENT ADDR=127.0.0.1
S: 500 5.5.1 Command unrecognized
C: DATA
* data
)");
}

// ---- the MTA fails

TEST_F(SessionMtaTest, WithoutAnMtaTheRecipientIsToldToComeAgain) {
  begin();
  for (const char* name : {"b", "white"}) {
    rcpt(name);
    play(R"(
! none
S: 451 4.3.0 Please try again later
C: DATA
S: 451 4.5.1 No valid recipients
)");
  }
}

TEST_F(SessionMtaTest, AnMtaThatIsLostAfterAPromisePutsTheMessageOff) {
  begin();
  play(R"(
C: RCPT TO:<b@example.net>
* open
! 250 yes
S: 250 yes
C: RCPT TO:<c@example.net>
* rcpt
! none
S: 451 4.3.0 Please try again later
C: RCPT TO:<d@example.net>
S: 451 4.7.1 Please try again later
C: DATA
S: 451 4.7.1 Please try again later
* hang up
)");
}

TEST_F(SessionMtaTest, AnMtaThatIsLostWithoutAPromiseIsCalledAgain) {
  begin();
  play("C: RCPT TO:<b@example.net>\n* open\n! last 550 no\n* leave mta\nS: 550 no\nC: RCPT TO:<c@example.net>\n* open\n");
}

TEST_F(SessionMtaTest, AnMtaThatLeavesWithA421EndsTheSession) {
  begin();
  play("C: RCPT TO:<b@example.net>\n* open\n! last 421 busy\n* leave mta\nS: 421 busy\n* hang up\n");
}

TEST_F(SessionMtaTest, AnMtaThatIsLostAtDataOrInTheMessagePutsItOff) {
  begin();
  rcpt("b");
  play("! 250 yes\nS: 250 yes\nC: DATA\n* data\n! none\nS: 451 4.3.0 Please try again later\n");
  send("MAIL FROM:<a@example.org>\r\n");
  rcpt("b");
  play(
      "! 250 yes\nS: 250 yes\nC: DATA\n* data\n! 354 go on\nS: 354 go on\n* message\n! none\nS: 451 4.3.0 Please try again "
      "later\n* hang up\n");
  EXPECT_THAT(accepted(), ElementsAre());
}

// ---- held and told at DATA

TEST_F(SessionMtaTest, NobodyIsHeldWhoseRecipientTheMtaHasTaken) {
  begin();
  rcpt("b");
  play("! 250 yes\nS: 250 yes\nC: RCPT TO:<held@example.net>\nS: 451 4.7.1 Come back\nC: DATA\n* data\n");
}

TEST_F(SessionMtaTest, ToldAtDataOneDeferredRecipientDefersTheMessage) {
  config.voice = Voice::data;
  begin();
  rcpt("b");
  play("! 250 yes\nS: 250 yes\nC: RCPT TO:<defer@example.net>\nS: 250 2.1.5 OK\nC: DATA\nS: 451 4.7.1 Come back\n* hang up\n");
}

}  // namespace
}  // namespace deferd::smtp
