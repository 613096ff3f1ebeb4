#include "smtp/connection.h"

#include "smtp/connection_fixture.h"

namespace deferd::smtp {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using State = Connection::State;

class ConnectionTest : public ConnectionFixture {};

constexpr std::string_view kBanner = "220 mx.example ESMTP\r\n";

TEST_F(ConnectionTest, AnswersLineByLine) {
  start();
  EXPECT_EQ(heard(), kBanner);
  say("HELO client.example\r\n");
  EXPECT_EQ(heard(), "250 mx.example Ready\r\n");
  say("MAIL FROM:<a@example.org>\r\n");
  EXPECT_EQ(heard(), "250 2.1.0 OK\r\n");
  say("RCPT TO:<defer@example.net>\r\n");
  EXPECT_EQ(heard(), "451 4.7.1 Come back\r\n");
  say("QUIT\r\n");
  EXPECT_EQ(heard(), "221 2.0.0 mx.example Bye\r\n");
  EXPECT_TRUE(is_over);
}

TEST_F(ConnectionTest, PutsALineTogether) {
  start();
  heard();
  for (const char byte : std::string_view("HELO client.example\r\n")) {
    EXPECT_EQ(heard(), "");
    say({&byte, 1});
  }
  EXPECT_EQ(heard(), "250 mx.example Ready\r\n");
}

TEST_F(ConnectionTest, AnswersAllLinesOfOnePacketAndNotesIt) {
  start();
  heard();
  say("HELO client.example\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<defer@example.net>\r\nQUIT\r\n");
  EXPECT_EQ(heard(), "250 mx.example Ready\r\n250 2.1.0 OK\r\n451 4.7.1 Come back\r\n221 2.0.0 mx.example Bye\r\n");
  EXPECT_THAT(script.take(), testing::Contains("rcpt defer@example.net #smtp.pipelining"));
}

TEST_F(ConnectionTest, NotesWhoSpeaksBeforeTheBanner) {
  say("HELO client.example\r\n");
  start();
  say("MAIL FROM:<a@example.org>\r\n");
  say("RCPT TO:<defer@example.net>\r\n");
  EXPECT_THAT(script.take(), testing::Contains("rcpt defer@example.net #smtp.early-talker"));
}

TEST_F(ConnectionTest, NotesWhoSpeaksWhileTheBannerIsStuttered) {
  script.hooks = hook::connect;
  script.pace = {.per_byte = 1s};
  start();
  pass(5s);
  say("HELO client.example\r\n");
  pass(20s);
  say("MAIL FROM:<a@example.org>\r\n");
  pass(60s);
  say("RCPT TO:<defer@example.net>\r\n");
  EXPECT_THAT(script.take(), testing::Contains(HasSubstr("rcpt defer@example.net #smtp.early-talker")));
}

TEST_F(ConnectionTest, ReadsNothingWhileAnAnswerIsThoughtAbout) {
  start();
  introduce();
  hold_answers = true;
  say("RCPT TO:<defer@example.net>\r\n");
  EXPECT_EQ(state(), State::thinking);
  say("RSET\r\n");
  EXPECT_EQ(state(), State::thinking);
  EXPECT_FALSE(waits_to_read);
  EXPECT_TRUE(readable());
  hold_answers = false;
  settle();
  EXPECT_EQ(heard(), "451 4.7.1 Come back\r\n250 2.0.0 OK\r\n");
}

// ---- held clients

TEST_F(ConnectionTest, TakesTheMessageOfAHeldClientAndTellsItThen) {
  start();
  introduce();
  say("RCPT TO:<held@example.net>\r\n");
  EXPECT_EQ(heard(), "250 2.1.5 OK\r\n");
  say("DATA\r\n");
  EXPECT_THAT(heard(), HasSubstr("354 "));
  say("Subject: x\r\n\r\nbody\r\n");
  EXPECT_EQ(heard(), "");
  say(".\r\n");
  EXPECT_EQ(heard(), "451 4.7.1 Come back\r\n");
}

TEST_F(ConnectionTest, LetsAHeldClientReadItsReplyThoughItGoesOnSending) {
  start();
  introduce();
  say("RCPT TO:<held@example.net>\r\n");
  say("DATA\r\n");
  heard();
  say("Subject: x\r\n\r\n");
  std::string body;
  for (int i = 0; i < 3000; ++i) body += "a line of spam\r\n";
  say(body);
  EXPECT_EQ(state(), State::lingering);
  EXPECT_EQ(heard(), "451 4.7.1 Come back\r\n");
  ::shutdown(ends[1], SHUT_WR);
  settle();
  EXPECT_TRUE(is_over);
}

TEST_F(ConnectionTest, LingersNoLongerThanFiveSeconds) {
  start();
  introduce();
  say("RCPT TO:<held@example.net>\r\n");
  say("DATA\r\n");
  say("\r\n.\r\n");
  EXPECT_EQ(state(), State::lingering);
  for (int i = 0; i < 4; ++i) {
    pass(1s);
    say("more\r\n");
  }
  EXPECT_FALSE(is_over);
  pass(1100ms);
  EXPECT_TRUE(is_over);
}

TEST_F(ConnectionTest, ReadsAHugeHeaderInBoundedTurnsAndMemory) {
  start();
  introduce();
  say("RCPT TO:<held@example.net>\r\n");
  say("DATA\r\n");
  heard();
  std::string lines;
  for (int i = 0; i < 1000; ++i) lines += "X-Header: 0123456789012345678901234567890123456789\r\n";
  for (int i = 0; i < 20; ++i) say(lines);
  EXPECT_EQ(state(), State::reading);
  EXPECT_LT(connection->unread().size(), 16384u);
}

// ---- sent away

TEST_F(ConnectionTest, SendsAStutteredClientAwayWithWhatIsLeftAnd421) {
  start();
  introduce();
  script.pace = {.per_byte = 1s};
  say("RCPT TO:<held@example.net>\r\n");
  pass(3050ms);
  EXPECT_EQ(heard(), "250");
  connection->finish("421 4.7.0 Busy\r\n");
  EXPECT_EQ(heard(), " 2.1.5 OK\r\n421 4.7.0 Busy\r\n");
  EXPECT_TRUE(is_over);
  EXPECT_EQ(slow, 0);
}

TEST_F(ConnectionTest, SendsAClientAwayWithItsFinalReplyAlone) {
  start();
  introduce();
  script.pace = {.per_byte = 1s};
  say("RCPT TO:<held@example.net>\r\n");
  pass(30s);
  say("DATA\r\n");
  pass(60s);
  say("\r\n.\r\n");
  heard();
  pass(2050ms);
  EXPECT_EQ(heard(), "45");
  connection->finish("421 4.7.0 Busy\r\n");
  EXPECT_EQ(heard(), "1 4.7.1 Come back\r\n");
  EXPECT_TRUE(is_over);
}

TEST_F(ConnectionTest, SendsAClientAwayAfterTheAnswerThatIsThoughtAbout) {
  start();
  introduce();
  hold_answers = true;
  script.pace = {.delay = 1h, .per_byte = 1s};
  say("RCPT TO:<defer@example.net>\r\n");
  connection->finish("421 4.3.2 Shutting down\r\n");
  EXPECT_FALSE(is_over);
  hold_answers = false;
  settle();
  EXPECT_EQ(heard(), "451 4.7.1 Come back\r\n421 4.3.2 Shutting down\r\n");
  EXPECT_TRUE(is_over);
}

TEST_F(ConnectionTest, SurvivesTheDeathOfAClientThatIsThoughtAbout) {
  start();
  introduce();
  hold_answers = true;
  say("RCPT TO:<defer@example.net>\r\n");
  ::close(std::exchange(ends[1], -1));
  settle();
  EXPECT_FALSE(is_over);
  hold_answers = false;
  settle();
  EXPECT_TRUE(is_over);
}

TEST_F(ConnectionTest, EndsWhenTheClientHangsUpInAnyState) {
  start();
  introduce();
  script.pace = {.per_byte = 1s};
  say("RCPT TO:<defer@example.net>\r\n");
  ::close(std::exchange(ends[1], -1));
  pass(2s);
  EXPECT_TRUE(is_over);
}

// ---- before and beside the dialogue

TEST_F(ConnectionTest, TakesTheClientFromThePROXYHeader) {
  start(true);
  EXPECT_EQ(heard(), "");
  say("PROXY TCP4 198.51.100.9 192.0.2.1 12");
  EXPECT_EQ(opened_for, "");
  say("34 25\r\n");
  EXPECT_EQ(opened_for, "198.51.100.9:1234");
  EXPECT_EQ(heard(), kBanner);
}

TEST_F(ConnectionTest, KeepsWhatFollowsThePROXYHeader) {
  start(true);
  say("PROXY TCP4 198.51.100.9 192.0.2.1 1234 25\r\nHELO client.example\r\n");
  EXPECT_EQ(heard(), std::string(kBanner) + "250 mx.example Ready\r\n");
}

TEST_F(ConnectionTest, TakesABalancersHealthCheckForItself) {
  start(true);
  say("PROXY UNKNOWN\r\n");
  EXPECT_EQ(opened_for, "192.0.2.7:4711");
}

TEST_F(ConnectionTest, HangsUpOnWhatIsNoPROXYHeader) {
  start(true);
  say("EHLO client.example\r\n");
  EXPECT_TRUE(is_over);
  EXPECT_EQ(heard(), "");
}

TEST_F(ConnectionTest, WaitsForAPROXYHeaderFiveSeconds) {
  start(true);
  pass(4s);
  say("PROXY TCP4 ");
  EXPECT_FALSE(is_over);
  pass(1100ms);
  EXPECT_TRUE(is_over);
}

TEST_F(ConnectionTest, NeverParsesAPROXYHeaderOfAnybodyElse) {
  start();
  heard();
  say("PROXY TCP4 198.51.100.9 192.0.2.1 1234 25\r\n");
  EXPECT_EQ(heard(), "500 5.5.1 Command unrecognized\r\n");
  EXPECT_EQ(opened_for, "192.0.2.7:4711");
}

TEST_F(ConnectionTest, EndsWithoutASessionForWhoIsRefused) {
  refuse = true;
  start();
  EXPECT_TRUE(is_over);
  EXPECT_EQ(connection->session(), nullptr);
}

TEST_F(ConnectionTest, SaysSoWhenThereIsNoRoomForMoreTls) {
  rules->tls_offered = true;
  start();
  heard();
  say("EHLO client.example\r\n");
  EXPECT_THAT(heard(), HasSubstr("STARTTLS"));
  say("STARTTLS\r\n");
  EXPECT_EQ(heard(), "454 4.7.0 TLS is not available at present\r\n");
  say("MAIL FROM:<a@example.org>\r\n");
  EXPECT_EQ(heard(), "250 2.1.0 OK\r\n");
}

TEST_F(ConnectionTest, GoesOnAfterAHandOverThatFailed) {
  rules->handover = true;
  start();
  introduce();
  say("RCPT TO:<pass@example.net>\r\nNOOP\r\n");
  EXPECT_EQ(handed_over, 1);
  EXPECT_EQ(state(), State::handed_over);
  EXPECT_EQ(connection->unread(), "NOOP\r\n");
  connection->finish("421 4.3.2 Shutting down\r\n");
  EXPECT_FALSE(is_over);
  EXPECT_EQ(heard(), "");
  connection->mta_failed();
  settle();
  EXPECT_EQ(heard(), "451 4.3.0 Please try again later\r\n250 2.0.0 OK\r\n");
}

TEST_F(ConnectionTest, IsOverAfterAHandOver) {
  rules->handover = true;
  start();
  introduce();
  say("RCPT TO:<pass@example.net>\r\n");
  connection->mta_over();
  EXPECT_TRUE(is_over);
}

TEST_F(ConnectionTest, ShrinksTheWindowOfAHeldClient) {
  config->window = 4096;
  start();
  introduce();
  int before = 0, after = 0;
  socklen_t size = sizeof before;
  ::getsockopt(ends[0], SOL_SOCKET, SO_RCVBUF, &before, &size);
  say("RCPT TO:<held@example.net>\r\n");
  ::getsockopt(ends[0], SOL_SOCKET, SO_RCVBUF, &after, &size);
  EXPECT_LT(after, before);
}

}  // namespace
}  // namespace deferd::smtp
