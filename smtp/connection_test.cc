#include "smtp/connection.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <deque>
#include <optional>

#include "deferd/testing/fake_log.h"
#include "smtp/scripted_dialogue.h"

namespace deferd::smtp {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using State = Connection::State;

/// A connection on one end of a socket pair, the test on the other; time and readiness are the test's to give.
class ConnectionTest : public ::testing::Test, protected ConnectionOwner {
 protected:
  ConnectionTest() {
    config->name = "mx.example";
    config->voice = Voice::rcpt;
    config->limits.idle = 60s;
    config->limits.session = 600s;
    config->limits.kept_session = 3600s;
    rules->config = config;
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  }
  ~ConnectionTest() override {
    connection.reset();
    for (const int end : ends)
      if (end >= 0) ::close(end);
  }

  void start(bool proxied = false) {
    connection.emplace(static_cast<ConnectionOwner&>(*this), ends[0], config);
    Session known;
    known.client = *Address::parse("192.0.2.7");
    known.client_port = 4711;
    connection->start(std::move(known), proxied);
    settle();
  }

  /// Does what an I/O thread would do until nothing can go on without time.
  void settle() {
    for (bool moved = true; moved;) {
      moved = false;
      if (thinking && !hold_answers) {
        thinking = false;
        moved = true;
        connection->answered(connection->session()->answer());
      }
      if (waits_to_read && readable()) {
        waits_to_read = false;
        moved = true;
        connection->ready();
      }
      if (waits_to_write && writable) {
        waits_to_write = false;
        moved = true;
        connection->ready();
      }
    }
  }

  void pass(SteadyTime::duration time) {
    for (const auto end = now_ + time; now_ < end;) {
      now_ += std::min<SteadyTime::duration>(TimerWheel::kTick, end - now_);
      wheel_.turn(now_, [](Timed& timed) { static_cast<Connection&>(timed).due(); });
      settle();
    }
  }

  void say(std::string_view bytes) {
    ASSERT_EQ(::send(ends[1], bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    settle();
  }
  std::string heard() {
    std::string all(65536, '\0');
    const auto got = ::recv(ends[1], all.data(), all.size(), MSG_DONTWAIT);
    all.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return all;
  }
  /// Says HELO and MAIL and hears the answers.
  void introduce() {
    say("HELO client.example\r\n");
    say("MAIL FROM:<a@example.org>\r\n");
    heard();
  }

  SteadyTime now() const override { return now_; }
  TimerWheel& wheel() override { return wheel_; }
  void wait(Connection&, bool to_write) override { (to_write ? waits_to_write : waits_to_read) = true; }
  void think(Connection&) override { thinking = true; }
  std::unique_ptr<SmtpSession> open(Connection&, Session known) override {
    opened_for = known.client.to_string() + ":" + std::to_string(known.client_port);
    if (refuse) return nullptr;
    return std::make_unique<SmtpSession>(rules, open_dialogue, std::move(known), log);
  }
  void holding(Connection&) override { ++held; }
  std::shared_ptr<TlsContext> start_tls(Connection&) override { return nullptr; }
  void hand_over(Connection&) override { ++handed_over; }
  void slowed(int change) override { slow += change; }
  void stuttered(std::size_t bytes) override { stuttered_bytes += bytes; }
  void over(Connection&) override { is_over = true; }

  bool readable() const {
    char byte;
    const auto got = ::recv(ends[0], &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got >= 0 || errno != EAGAIN;
  }
  State state() const { return connection->state(); }

  std::shared_ptr<SmtpConfig> config = std::make_shared<SmtpConfig>();
  std::shared_ptr<SessionRules> rules = std::make_shared<SessionRules>();
  Script script;
  OpenDialogue open_dialogue = [this](Session session, Voice voice) {
    return std::make_unique<ScriptedDialogue>(script, std::move(session), voice);
  };
  FakeLog log;
  int ends[2] = {-1, -1};
  SteadyTime now_{1h};
  TimerWheel wheel_{now_};
  std::optional<Connection> connection;
  std::string opened_for;
  bool waits_to_read = false, waits_to_write = false, thinking = false, hold_answers = false, writable = true, refuse = false;
  bool is_over = false;
  int held = 0, handed_over = 0, slow = 0;
  std::size_t stuttered_bytes = 0;
};

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

// ---- pace

TEST_F(ConnectionTest, StuttersOneByteAtATimeAndTheLineEndTogether) {
  start();
  introduce();
  script.pace = {.per_byte = 1s};
  say("RCPT TO:<defer@example.net>\r\n");
  EXPECT_EQ(slow, 1);
  std::string all;
  const std::string reply = "451 4.7.1 Come back\r\n";
  pass(990ms);
  EXPECT_EQ(heard(), "");
  pass(20ms);
  for (std::size_t i = 0; i + 2 < reply.size(); ++i) {
    EXPECT_EQ(heard(), reply.substr(i, 1)) << i;
    pass(1s);
  }
  EXPECT_EQ(heard(), "\r\n");
  EXPECT_EQ(slow, 0);
  EXPECT_EQ(stuttered_bytes, reply.size());
  EXPECT_EQ(state(), State::reading);
}

TEST_F(ConnectionTest, StuttersLaterRepliesToo) {
  start();
  introduce();
  script.pace = {.per_byte = 100ms};
  say("RCPT TO:<defer@example.net>\r\n");
  pass(10s);
  heard();
  say("NOOP\r\n");
  pass(250ms);
  EXPECT_EQ(heard(), "25");
}

TEST_F(ConnectionTest, EndsTheStutterWhenTheConnectionIsOldEnough) {
  start();
  introduce();
  script.pace = {.per_byte = 1s, .during = 5s};
  say("RCPT TO:<defer@example.net>\r\n");
  pass(4500ms);
  EXPECT_EQ(heard(), "451 ");
  pass(1s);
  EXPECT_EQ(heard(), "4.7.1 Come back\r\n");
  say("NOOP\r\n");
  EXPECT_EQ(heard(), "250 2.0.0 OK\r\n");
}

TEST_F(ConnectionTest, DelaysOnlyTheReplyThatWasDecided) {
  start();
  introduce();
  script.pace = {.delay = 3s};
  say("RCPT TO:<defer@example.net>\r\n");
  EXPECT_EQ(slow, 1);
  pass(2900ms);
  EXPECT_EQ(heard(), "");
  pass(200ms);
  EXPECT_EQ(heard(), "451 4.7.1 Come back\r\n");
  say("NOOP\r\n");
  EXPECT_EQ(heard(), "250 2.0.0 OK\r\n");
}

TEST_F(ConnectionTest, DelaysFirstAndStuttersThen) {
  start();
  introduce();
  script.pace = {.delay = 3s, .per_byte = 1s};
  say("RCPT TO:<defer@example.net>\r\n");
  pass(3900ms);
  EXPECT_EQ(heard(), "");
  pass(200ms);
  EXPECT_EQ(heard(), "4");
}

TEST_F(ConnectionTest, ClosesAStutterOfWhichNobodyTakesAnything) {
  const int small = 1;
  ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  start();
  introduce();
  const std::string filling(1'000'000, 'x');
  while (::send(ends[0], filling.data(), filling.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
  }
  script.pace = {.per_byte = 1s};
  say("RCPT TO:<defer@example.net>\r\n");
  pass(59s);
  EXPECT_FALSE(is_over);
  pass(3s);
  EXPECT_TRUE(is_over);
}

TEST_F(ConnectionTest, ClosesASilentReaderAtFullSpeed) {
  start();
  introduce();
  const std::string filling(1'000'000, 'x');
  while (::send(ends[0], filling.data(), filling.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
  }
  writable = false;
  say("NOOP\r\n");
  EXPECT_EQ(state(), State::sending);
  pass(59s);
  EXPECT_FALSE(is_over);
  pass(2s);
  EXPECT_TRUE(is_over);
}

TEST_F(ConnectionTest, SendsTheRestOnceTheClientReadsAgain) {
  start();
  introduce();
  const std::string filling(1'000'000, 'x');
  while (::send(ends[0], filling.data(), filling.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
  }
  writable = false;
  say("NOOP\r\n");
  pass(30s);
  std::string all;
  for (std::string more = heard(); !more.empty(); more = heard()) all += more;
  writable = true;
  settle();
  all += heard();
  EXPECT_TRUE(all.ends_with("250 2.0.0 OK\r\n"));
}

// ---- time limits

TEST_F(ConnectionTest, WaitsForAWholeLineNoLongerThanTheIdleLimit) {
  start();
  introduce();
  // A byte now and then prolongs nothing.
  for (int i = 0; i < 5; ++i) {
    pass(10s);
    say("x");
  }
  pass(9s);
  EXPECT_FALSE(is_over);
  pass(2s);
  EXPECT_TRUE(is_over);
  EXPECT_EQ(heard(), "421 4.4.2 Timeout\r\n");
}

TEST_F(ConnectionTest, EachWholeLineHasItsOwnIdleTime) {
  start();
  introduce();
  for (int i = 0; i < 8; ++i) {
    pass(50s);
    say("NOOP\r\n");
  }
  EXPECT_FALSE(is_over);
}

TEST_F(ConnectionTest, EndsASessionThatIsTooLong) {
  start();
  introduce();
  for (int i = 0; i < 11; ++i) {
    pass(50s);
    say("NOOP\r\n");
  }
  heard();
  EXPECT_FALSE(is_over);
  pass(51s);
  EXPECT_TRUE(is_over);
  EXPECT_EQ(heard(), "421 4.4.2 Timeout\r\n");
}

TEST_F(ConnectionTest, KeepsAHeldClientLonger) {
  start();
  introduce();
  script.pace = {.per_byte = 100s};
  say("RCPT TO:<held@example.net>\r\n");
  EXPECT_EQ(held, 1);
  pass(1320s);
  EXPECT_EQ(heard(), "250 2.1.5 OK\r\n");
  say("DATA\r\n");
  pass(2200s);
  EXPECT_FALSE(is_over);
  pass(200s);
  EXPECT_TRUE(is_over);
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
  connection->handover_failed();
  settle();
  EXPECT_EQ(heard(), "451 4.3.0 Please try again later\r\n250 2.0.0 OK\r\n");
}

TEST_F(ConnectionTest, IsOverAfterAHandOver) {
  rules->handover = true;
  start();
  introduce();
  say("RCPT TO:<pass@example.net>\r\n");
  connection->handover_over();
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
