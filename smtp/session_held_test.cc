// Clients that are turned away and kept busy.
#include "smtp/held_message.h"
#include "smtp/session_fixture.h"

namespace deferd::smtp {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

class HeldTest : public SessionTest {
 protected:
  HeldTest() { script.hooks = hook::connect | hook::reply; }
};

TEST_F(HeldTest, HearsTheVerdictAfterItsMessage) {
  script.at_connect = "lines";
  play(R"(
S: 220 mx.example ESMTP
C: HELO client.example
S: 250 mx.example Ready
C: MAIL FROM:<a@example.org>
S: 250 2.1.0 OK
C: RCPT TO:<lines@example.net>
S: 250 2.1.5 OK
C: RCPT TO:<lines@example.com>
S: 250 2.1.5 OK
C: DATA
S: 354 End data with <CR><LF>.<CR><LF>
C: Received: from nowhere
C: From: Spammer <a@example.org>
C: subject: Cheap
C: TO: you
C:  folded
C: Subject: another
C:
C: QUIT
C: ..
C: .
S: 450-4.7.1 First line
S: 450 4.7.1 Second line
* hang up
)");
  EXPECT_THAT(log.lines(),
              ElementsAre("info smtp.held session=0000000000005e55 client=192.0.2.7 line=From: Spammer <a@example.org>",
                          "info smtp.held session=0000000000005e55 client=192.0.2.7 line=subject: Cheap",
                          "info smtp.held session=0000000000005e55 client=192.0.2.7 line=TO: you"));
}

TEST_F(HeldTest, TenLinesOfTheBodyAreEnough) {
  script.at_connect = "bounced";
  send("HELO client.example\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<bounced@example.net>\r\nDATA\r\n");
  EXPECT_THAT(send("Subject: x\r\n\r\n1\r\n\r\n3\r\n4\r\n5\r\n6\r\n7\r\n8\r\n9\r\n"), IsEmpty());
  EXPECT_THAT(send("10\r\n"), ElementsAre("S: 550 5.7.1 No", "* hang up"));
}

TEST_F(HeldTest, HeadersAreNotLimitedAndLoggedOnce) {
  send("HELO client.example\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<held@example.net>\r\nDATA\r\n");
  std::string headers;
  for (int i = 0; i < 1000; ++i) headers += "Subject: " + std::string(500, 'x') + "\r\n";
  EXPECT_THAT(send(headers), IsEmpty());
  ASSERT_EQ(log.lines().size(), 1u);
  EXPECT_TRUE(log.lines()[0].ends_with("line=Subject: " + std::string(191, 'x')));
  EXPECT_THAT(send(".\r\n"), ElementsAre("S: 451 4.7.1 Come back", "* hang up"));
}

// spamd, too, needs no recipient for its tarpit.
TEST_F(HeldTest, DataIsTakenWithoutRecipients) {
  script.at_connect = "held";
  play(R"(
S: 220 mx.example ESMTP
C: DATA
S: 354 End data with <CR><LF>.<CR><LF>
C: .
S: 451 4.7.1 Come back
* hang up
)");
}

TEST_F(HeldTest, NoTlsIsOfferedOrTaken) {
  rules.tls_offered = true;
  script.at_connect = "held";
  EXPECT_THAT(send("EHLO held.example\r\n"), Not(Contains("S: 250 STARTTLS")));
  EXPECT_THAT(send("STARTTLS\r\n"), ElementsAre("S: 454 4.7.0 TLS is not available"));
}

TEST_F(HeldTest, HoldingGoesBeforeTheVoice) {
  config.voice = Voice::connect;
  script.at_connect = "bounced";
  play(R"(
S: 220 mx.example ESMTP
C: HELO bounced.example
S: 250 mx.example Ready
C: MAIL FROM:<held@example.org>
S: 250 2.1.0 OK
C: RCPT TO:<bounced@example.net>
S: 250 2.1.5 OK
)");
}

TEST_F(HeldTest, TooManyErrorsBringTheVerdictForward) {
  config.limits.errors = 1;
  script.at_connect = "held";
  EXPECT_THAT(send("what\r\nelse\r\n"),
              ElementsAre("S: 220 mx.example ESMTP", "S: 500 5.5.1 Command unrecognized", "S: 451 4.7.1 Come back", "* hang up"));
}

TEST_F(HeldTest, OnlyWhileTheDecisionIsAgainstTheClient) {
  script.at_connect = "held";
  send("");
  EXPECT_TRUE(session().held());
  EXPECT_TRUE(session().pace().hold);
  EXPECT_EQ(session().lists(), "test");
  send("HELO client.example\r\n");  // the plugins see no harm any more
  EXPECT_FALSE(session().held());
  EXPECT_EQ(session().lists(), "");
}

TEST_F(HeldTest, WishesToHoldWhoPassesAreNotHeeded) {
  script.pace.hold = true;
  script.pace.per_byte = std::chrono::seconds(1);
  send("HELO client.example\r\n");
  EXPECT_FALSE(session().held());
  EXPECT_FALSE(session().pace().hold);
  EXPECT_EQ(session().pace().per_byte, std::chrono::seconds(1));
}

TEST_F(HeldTest, ExemptClientsAreNeverSlowed) {
  script.pace.hold = true;
  script.pace.per_byte = std::chrono::seconds(1);
  script.at_connect = "exempt";
  send("");
  EXPECT_EQ(session().pace(), Pace{});
}

TEST_F(HeldTest, OfTwoVerdictsTheMilderOneIsTold) {
  send("HELO client.example\r\nMAIL FROM:<a@example.org>\r\n");
  send("RCPT TO:<bounced@example.net>\r\nRCPT TO:<held@example.net>\r\nRCPT TO:<bounced@example.com>\r\n");
  EXPECT_THAT(send("DATA\r\n.\r\n"),
              ElementsAre("S: 354 End data with <CR><LF>.<CR><LF>", "S: 451 4.7.1 Come back", "* hang up"));
}

// Else a 550 for one would end the message for the other.
TEST_F(HeldTest, RecipientsNotHeldAreToldAtOnce) {
  config.voice = Voice::data;
  send("HELO client.example\r\nMAIL FROM:<a@example.org>\r\n");
  EXPECT_THAT(send("RCPT TO:<bounced@example.net>\r\n"), ElementsAre("S: 250 2.1.5 OK"));
  EXPECT_THAT(send("RCPT TO:<postmaster@example.net>\r\n"), ElementsAre("S: 451 4.7.1 Please try again later"));
  EXPECT_THAT(send("RCPT TO:<defer@example.net>\r\n"), ElementsAre("S: 451 4.7.1 Come back"));
  EXPECT_TRUE(session().held());
  EXPECT_THAT(send("DATA\r\n.\r\n"), Contains("S: 550 5.7.1 No"));
}

TEST_F(HeldTest, NobodyIsHeldAfterAnotherRecipientWasPromisedAnAnswer) {
  config.voice = Voice::data;
  send("HELO client.example\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<defer@example.net>\r\n");
  EXPECT_THAT(send("RCPT TO:<bounced@example.net>\r\n"), ElementsAre("S: 550 5.7.1 No"));
  EXPECT_FALSE(session().held());
  EXPECT_THAT(send("DATA\r\n"), ElementsAre("S: 451 4.7.1 Come back", "* hang up"));
}

TEST_F(HeldTest, RecipientsWhoPassAreHandedOverUnlessOneWasHeld) {
  config.handover.to = "127.0.0.1:10025";
  rules.handover = true;
  script.at_connect = "held";
  send("HELO client.example\r\nMAIL FROM:<held@example.org>\r\n");
  EXPECT_THAT(send("RCPT TO:<postmaster@example.net>\r\n"), ElementsAre("* open"));
  session().mta_failed();
  send("RCPT TO:<held@example.net>\r\n");
  EXPECT_THAT(send("RCPT TO:<postmaster@example.net>\r\n"), ElementsAre("S: 451 4.7.1 Please try again later"));
}

TEST_F(HeldTest, LinesOfAMessageMayBeLonger) {
  send("HELO client.example\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<held@example.net>\r\n");
  EXPECT_EQ(session().line_limit(), LineReader::kCommandLimit);
  send("DATA\r\n");
  EXPECT_EQ(session().line_limit(), LineReader::kTextLimit);
}

TEST_F(HeldTest, ItsDialogueRestsAndIsToldOfTheSenderAgain) {
  script.at_connect = "held";
  send("");
  EXPECT_EQ(script.rests, 1);
  send("HELO held.example\r\nMAIL FROM:<held@example.org> SIZE=1\r\nRCPT TO:<held@example.net>\r\n");
  EXPECT_EQ(script.rests, 4);
  EXPECT_THAT(script.take(), ElementsAre("open", "connect", "helo held.example", "mail held@example.org SIZE=1",
                                         "mail held@example.org SIZE=1", "rcpt held@example.net"));
}

TEST_F(HeldTest, RsetDoesNotSetItFree) {
  script.at_connect = "held";
  send("HELO held.example\r\nMAIL FROM:<held@example.org>\r\nRCPT TO:<held@example.net>\r\nRSET\r\n");
  EXPECT_TRUE(session().held());
  EXPECT_THAT(send("DATA\r\n"), ElementsAre("S: 354 End data with <CR><LF>.<CR><LF>"));
}

}  // namespace
}  // namespace deferd::smtp
