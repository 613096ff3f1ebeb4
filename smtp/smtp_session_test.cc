// The dialogue, verb by verb and state by state. spamd's is in its sources and manual; where ours differs on purpose, the test
// says so.
#include "smtp/smtp_session.h"

#include "smtp/session_fixture.h"

namespace deferd::smtp {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST_F(SessionTest, GreyClientHears451AtData) {
  play(R"(
S: 220 mx.example ESMTP
C: HELO client.example
S: 250 mx.example Ready
C: MAIL FROM:<a@example.org>
S: 250 2.1.0 OK
C: RCPT TO:<defer@example.net>
S: 250 2.1.5 OK
C: DATA
S: 451 4.7.1 Come back
* hang up
)");
}

TEST_F(SessionTest, BannerSaysWhatIsConfigured) {
  config.texts.banner = "%h ESMTP %n; %A";
  play("S: 220 mx.example ESMTP deferd; 192.0.2.7\n");
}

TEST_F(SessionTest, BannerHasTheDateOfTheClock) {
  config.texts.banner = "%d";
  const auto heard = send("");
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_THAT(heard[0], HasSubstr("2026"));
}

TEST_F(SessionTest, EhloOffersWhatWeCanDo) {
  play(R"(
S: 220 mx.example ESMTP
C: EHLO client.example
S: 250-mx.example Ready
S: 250-ENHANCEDSTATUSCODES
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250 SIZE
)");
}

TEST_F(SessionTest, EhloOffersTlsWithACertificateAndUntilItIsOn) {
  rules.tls_offered = true;
  play(R"(
S: 220 mx.example ESMTP
C: EHLO client.example
S: 250-mx.example Ready
S: 250-ENHANCEDSTATUSCODES
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-SIZE
S: 250 STARTTLS
C: STARTTLS
S: 220 2.0.0 Ready to start TLS
* start tls
C: EHLO client.example
S: 250-mx.example Ready
S: 250-ENHANCEDSTATUSCODES
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250 SIZE
C: STARTTLS
S: 503 5.5.1 TLS is on already
)");
}

TEST_F(SessionTest, HeloNeedsAName) {
  play(R"(
S: 220 mx.example ESMTP
C: HELO
S: 501 5.5.4 A host name is required
C: EHLO  
S: 501 5.5.4 A host name is required
C: HELO client.example
S: 250 mx.example Ready
)");
}

TEST_F(SessionTest, OddHeloNamesAreTakenAndNoted) {
  play(R"(
S: 220 mx.example ESMTP
C: HELO what is this
S: 250 mx.example Ready
)");
  EXPECT_THAT(session().session().tags, ElementsAre("smtp.odd-helo"));
  EXPECT_EQ(session().session().helo, "what is this");
}

TEST_F(SessionTest, LongHeloNamesAreCut) {
  send("HELO " + std::string(1000, 'a') + "\r\n");
  EXPECT_EQ(session().session().helo.size(), 255u);
}

// spamd takes MAIL without HELO, RCPT without MAIL, DATA without RCPT: so do only those who never meant to deliver.
TEST_F(SessionTest, CommandsOutOfOrderAreRefused) {
  play(R"(
S: 220 mx.example ESMTP
C: MAIL FROM:<a@example.org>
S: 503 5.5.1 Say HELO first
C: RCPT TO:<b@example.net>
S: 503 5.5.1 Say MAIL first
C: DATA
S: 503 5.5.1 Say RCPT first
C: HELO client.example
S: 250 mx.example Ready
C: RCPT TO:<b@example.net>
S: 503 5.5.1 Say MAIL first
C: DATA
S: 503 5.5.1 Say RCPT first
C: MAIL FROM:<a@example.org>
S: 250 2.1.0 OK
C: DATA
S: 503 5.5.1 Say RCPT first
C: MAIL FROM:<c@example.org>
S: 503 5.5.1 There is a sender already
)");
  EXPECT_THAT(session().session().tags, ElementsAre("smtp.no-helo"));
}

// spamd answers 500 to a second HELO.
TEST_F(SessionTest, EhloAgainForgetsTheEnvelope) {
  play(R"(
S: 220 mx.example ESMTP
C: HELO one.example
S: 250 mx.example Ready
C: MAIL FROM:<a@example.org>
S: 250 2.1.0 OK
C: RCPT TO:<b@example.net>
S: 250 2.1.5 OK
C: HELO two.example
S: 250 mx.example Ready
C: DATA
S: 503 5.5.1 Say RCPT first
C: MAIL FROM:<a@example.org>
S: 250 2.1.0 OK
)");
  EXPECT_EQ(session().session().helo, "two.example");
}

// In spamd RSET keeps sender and recipient, and is 500 before HELO.
TEST_F(SessionTest, RsetForgetsTheEnvelopeAndKeepsHelo) {
  play(R"(
S: 220 mx.example ESMTP
C: RSET
S: 250 2.0.0 OK
C: HELO client.example
S: 250 mx.example Ready
C: MAIL FROM:<a@example.org> SIZE=7
S: 250 2.1.0 OK
C: RCPT TO:<defer@example.net>
S: 250 2.1.5 OK
C: RSET
S: 250 2.0.0 OK
C: RCPT TO:<defer@example.net>
S: 503 5.5.1 Say MAIL first
C: MAIL FROM:<c@example.org>
S: 250 2.1.0 OK
C: RCPT TO:<b@example.net>
S: 250 2.1.5 OK
)");
  EXPECT_THAT(script.take(), ElementsAre("open", "mail a@example.org SIZE=7", "rcpt defer@example.net", "reset",
                                         "mail c@example.org", "rcpt b@example.net"));
}

TEST_F(SessionTest, CommandsWithoutConsequences) {
  play(R"(
S: 220 mx.example ESMTP
C: NOOP
S: 250 2.0.0 OK
C: noop anything
S: 250 2.0.0 OK
C: HELP
S: 214 2.0.0 See RFC 5321
C: VRFY a@example.net
S: 252 2.0.0 Cannot verify
C: EXPN list
S: 502 5.5.1 Command not implemented
C: AUTH PLAIN AGEAYg==
S: 502 5.5.1 Command not implemented
C: BDAT 10 LAST
S: 502 5.5.1 Command not implemented
C: STARTTLS
S: 454 4.7.0 TLS is not available
C: QUIT
S: 221 2.0.0 mx.example Bye
* hang up
)");
}

// spamd compares beginnings only: DATABASE is DATA there.
TEST_F(SessionTest, UnknownCommands) {
  play(R"(
S: 220 mx.example ESMTP
C: DATABASE
S: 500 5.5.1 Command unrecognized
C: MAILX FROM:<a@example.org>
S: 500 5.5.1 Command unrecognized
C:
S: 500 5.5.1 Command unrecognized
)");
}

TEST_F(SessionTest, RecipientsBeyondTheLimitAreNoErrors) {
  config.limits.recipients = 1;
  config.limits.errors = 1;
  send("HELO client.example\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<defer@example.net>\r\n");
  for (int i = 0; i < 5; ++i)
    EXPECT_THAT(send("RCPT TO:<defer@example.net>\r\n"), ElementsAre("S: 452 4.5.3 Too many recipients"));
}

TEST_F(SessionTest, TooManyErrorsEndTheSession) {
  config.limits.errors = 2;
  play(R"(
S: 220 mx.example ESMTP
C: GET / HTTP/1.1
S: 500 5.5.1 Command unrecognized
C: Host: mx.example
S: 500 5.5.1 Command unrecognized
C: User-Agent: none
S: 421 4.7.0 Too many errors
* hang up
)");
}

TEST_F(SessionTest, CommandsThatLeadNowhereAreErrorsInTheEnd) {
  config.limits.errors = 2;
  std::string noops;
  for (int i = 0; i < 110; ++i) noops += "NOOP\r\n";
  const auto heard = send(noops);
  EXPECT_THAT(heard, Contains("S: 421 4.7.0 Too many errors"));
  EXPECT_EQ(std::count(heard.begin(), heard.end(), "S: 250 2.0.0 OK"), 102);
}

TEST_F(SessionTest, SenderSyntax) {
  play(R"(
S: 220 mx.example ESMTP
C: HELO client.example
S: 250 mx.example Ready
C: MAIL <a@example.org>
S: 501 5.5.4 Syntax: MAIL FROM:<address>
C: MAIL FROM:<a@example.org> SIZE=many
S: 501 5.5.4 Syntax error in a parameter
C: MAIL FROM:<a@example.org> BODY=BINARYMIME
S: 501 5.5.4 Syntax error in a parameter
C: MAIL FROM:<a@example.org> SIZE=1 SIZE=2
S: 501 5.5.4 Syntax error in a parameter
C: MAIL FROM:<a@example.org> RET=FULL
S: 555 5.5.4 A parameter is not known here
C: MAIL FROM:<> SIZE=1000 body=8bitmime
S: 250 2.1.0 OK
C: RCPT <b@example.net>
S: 501 5.5.4 Syntax: RCPT TO:<address>
C: RCPT TO:<b@example.net> NOTIFY=NEVER
S: 555 5.5.4 A parameter is not known here
C: RCPT TO:<b@example.net>
S: 250 2.1.5 OK
)");
  EXPECT_THAT(script.take(), ElementsAre("open", "mail  SIZE=1000 body=8bitmime", "rcpt b@example.net"));
}

TEST_F(SessionTest, BrokenAddressesAreSyntaxErrors) {
  send("HELO client.example\r\n");
  EXPECT_THAT(send("MAIL FROM:<a@@example.org>\r\n"), ElementsAre(HasSubstr("501 5.1.7 ")));
  send("MAIL FROM:<a@example.org>\r\n");
  EXPECT_THAT(send("RCPT TO:<>\r\n"), ElementsAre(HasSubstr("501 5.1.3 ")));
}

TEST_F(SessionTest, AddressesInUtf8NeedSmtputf8) {
  play(R"(
S: 220 mx.example ESMTP
C: EHLO client.example
S: 250-mx.example Ready
S: 250-ENHANCEDSTATUSCODES
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250 SIZE
C: MAIL FROM:<jürgen@example.org>
S: 553 5.6.7 SMTPUTF8 is needed for this address
C: MAIL FROM:<a@example.org>
S: 250 2.1.0 OK
C: RCPT TO:<jürgen@example.net>
S: 553 5.6.7 SMTPUTF8 is needed for this address
C: RSET
S: 250 2.0.0 OK
C: MAIL FROM:<jürgen@example.org> SMTPUTF8
S: 250 2.1.0 OK
C: RCPT TO:<jürgen@example.net>
S: 250 2.1.5 OK
)");
}

TEST_F(SessionTest, RecipientsAreLimited) {
  config.limits.recipients = 2;
  play(R"(
S: 220 mx.example ESMTP
C: HELO client.example
S: 250 mx.example Ready
C: MAIL FROM:<a@example.org>
S: 250 2.1.0 OK
C: RCPT TO:<b@example.net>
S: 250 2.1.5 OK
C: RCPT TO:<reject@example.net>
S: 550 5.7.1 No
C: RCPT TO:<d@example.net>
S: 452 4.5.3 Too many recipients
)");
}

TEST_F(SessionTest, TlsForgetsWhatWasSaidBefore) {
  rules.tls_offered = true;
  send("EHLO before.example\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nSTARTTLS\r\n");
  EXPECT_EQ(session().session().helo, "");
  EXPECT_TRUE(session().session().tls);
  EXPECT_THAT(send("RCPT TO:<b@example.net>\r\n"), ElementsAre("S: 503 5.5.1 Say MAIL first"));
  EXPECT_THAT(send("MAIL FROM:<a@example.org>\r\n"), ElementsAre("S: 503 5.5.1 Say HELO first"));
}

TEST_F(SessionTest, StarttlsTakesNoArgument) {
  rules.tls_offered = true;
  EXPECT_THAT(send("STARTTLS now\r\n"), Contains("S: 501 5.5.4 Syntax: STARTTLS"));
}

TEST_F(SessionTest, PluginsSeeTheVerifiedCertificate) {
  send("");
  session().tls_started("CN=mail.example.org");
  EXPECT_EQ(session().session().tls_subject, "CN=mail.example.org");
}

TEST_F(SessionTest, LongLinesAreRefusedAndNoted) {
  EXPECT_THAT(send("NOOP " + std::string(3000, 'x') + "\r\nNOOP\r\n"),
              ElementsAre("S: 220 mx.example ESMTP", "S: 500 5.5.2 Line too long", "S: 250 2.0.0 OK"));
  EXPECT_THAT(session().session().tags, ElementsAre("smtp.long-line"));
}

TEST_F(SessionTest, BareLineEndsAreNoted) {
  send("NOOP\nHELO a\rb\r\nNOOP\n");
  EXPECT_THAT(session().session().tags, ElementsAre("smtp.bare-lf", "smtp.bare-cr", "smtp.odd-helo"));
}

// spamd answers only the first of several commands in one packet.
TEST_F(SessionTest, CommandsOfOnePacketAreAnsweredInOrder) {
  EXPECT_THAT(send("HELO client.example\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<defer@example.net>\r\nRCPT "
                   "TO:<reject@example.net>\r\nDATA\r\n"),
              ElementsAre("S: 220 mx.example ESMTP", "S: 250 mx.example Ready", "S: 250 2.1.0 OK", "S: 250 2.1.5 OK",
                          "S: 550 5.7.1 No", "S: 451 4.7.1 Come back", "* hang up"));
}

TEST_F(SessionTest, EarlyTalkersAreNoted) {
  script.hooks = hook::connect;
  session().greet();
  session().answer();
  session().spoke_early(true);
  session().spoke_early(false);
  EXPECT_THAT(session().session().tags, ElementsAre("smtp.early-talker", "smtp.pipelining"));
}

}  // namespace
}  // namespace deferd::smtp
