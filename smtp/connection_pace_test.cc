// How fast a connection answers, and how long it waits.
#include "smtp/connection_fixture.h"

namespace deferd::smtp {
namespace {

using namespace std::chrono_literals;
using State = Connection::State;

class ConnectionPaceTest : public ConnectionFixture {};

TEST_F(ConnectionPaceTest, StuttersOneByteAtATimeAndTheLineEndTogether) {
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

TEST_F(ConnectionPaceTest, SaysTheFirstByteOfTheBannerExactlyWhenItIsDue) {
  script.hooks = hook::connect;
  script.pace = {.per_byte = 1s};
  start();
  pass(990ms);
  EXPECT_EQ(heard(), "");
  pass(10ms);
  EXPECT_EQ(heard(), "2");
}

TEST_F(ConnectionPaceTest, StuttersLaterRepliesToo) {
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

TEST_F(ConnectionPaceTest, TheDialogueRestsWhileAReplyTakesLongUnlessThereIsATransaction) {
  start();
  introduce();
  script.pace = {.per_byte = 100ms};
  say("RCPT TO:<defer@example.net>\r\n");
  EXPECT_EQ(script.rests, 0);
  pass(10s);
  say("RSET\r\n");
  EXPECT_EQ(script.rests, 1);
}

TEST_F(ConnectionPaceTest, EndsTheStutterWhenTheConnectionIsOldEnough) {
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

TEST_F(ConnectionPaceTest, DelaysOnlyTheReplyThatWasDecided) {
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

TEST_F(ConnectionPaceTest, DelaysFirstAndStuttersThen) {
  start();
  introduce();
  script.pace = {.delay = 3s, .per_byte = 1s};
  say("RCPT TO:<defer@example.net>\r\n");
  pass(3900ms);
  EXPECT_EQ(heard(), "");
  pass(200ms);
  EXPECT_EQ(heard(), "4");
}

TEST_F(ConnectionPaceTest, ClosesAStutterOfWhichNobodyTakesAnything) {
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

TEST_F(ConnectionPaceTest, ClosesASilentReaderAtFullSpeed) {
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

TEST_F(ConnectionPaceTest, SendsTheRestOnceTheClientReadsAgain) {
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

TEST_F(ConnectionPaceTest, TriesAgainThoughNothingTellsThatThereIsRoom) {
  start();
  introduce();
  const std::string filling(1'000'000, 'x');
  while (::send(ends[0], filling.data(), filling.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
  }
  writable = false;
  say("NOOP\r\n");
  while (!heard().empty()) {
  }
  pass(990ms);
  EXPECT_EQ(heard(), "");
  pass(20ms);
  EXPECT_EQ(heard(), "250 2.0.0 OK\r\n");
  EXPECT_EQ(state(), State::reading);
}

// ---- time limits

TEST_F(ConnectionPaceTest, WaitsForAWholeLineNoLongerThanTheIdleLimit) {
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

TEST_F(ConnectionPaceTest, EachWholeLineHasItsOwnIdleTime) {
  start();
  introduce();
  for (int i = 0; i < 8; ++i) {
    pass(50s);
    say("NOOP\r\n");
  }
  EXPECT_FALSE(is_over);
}

TEST_F(ConnectionPaceTest, EndsASessionThatIsTooLong) {
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

TEST_F(ConnectionPaceTest, EndsASessionThatIsTooLongThoughItsClientIsNeverWaitedFor) {
  start();
  introduce();
  now_ += 601s;  // its next line is there before its time is looked at
  say("NOOP\r\n");
  EXPECT_TRUE(is_over);
  EXPECT_EQ(heard(), "421 4.4.2 Timeout\r\n");
}

TEST_F(ConnectionPaceTest, KeepsAHeldClientLonger) {
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

}  // namespace
}  // namespace deferd::smtp
