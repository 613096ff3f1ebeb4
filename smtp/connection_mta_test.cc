// Connections whose session has something for the MTA to do.
#include <utility>
#include <vector>

#include "smtp/connection_fixture.h"

namespace deferd::smtp {
namespace {

using State = Connection::State;
using What = MtaOrder::What;
using ::testing::ElementsAre;

class ConnectionMtaTest : public ConnectionFixture {
 protected:
  ConnectionMtaTest() { rules->handover = true; }

  void hand_over(Connection& one) override {
    ConnectionFixture::hand_over(one);
    orders.push_back(one.session()->mta_order().what);
    if (orders.back() == What::open || orders.back() == What::rcpt) recipients.push_back(one.session()->mta_order().words.rcpt);
    asked = true;
  }
  /// The MTA answers.
  void answer(MtaAnswer answered) {
    ASSERT_TRUE(std::exchange(asked, false));
    connection->mta_answered(std::move(answered));
    settle();
  }
  void answer(const std::string& reply) { answer({.code = std::stoi(reply), .reply = reply + "\r\n"}); }
  /// It takes what it is asked, up to the message.
  void answer_up_to_message() {
    while (asked && orders.back() != What::message) answer(orders.back() == What::data ? "354 mta: go on" : "250 mta: yes");
  }

  /// What no connection will read any more.
  void drop_unread() {
    std::string bytes(4096, '\0');
    static_cast<void>(::recv(ends[0], bytes.data(), bytes.size(), MSG_DONTWAIT));
  }

  std::vector<What> orders;
  std::vector<std::string> recipients;
  bool asked = false;
};

TEST_F(ConnectionMtaTest, LeadsATransactionAndGoesOnAfterIt) {
  start();
  introduce();
  say("RCPT TO:<b@example.net>\r\n");
  EXPECT_EQ(heard(), "") << "the MTA has the word";
  answer("250 mta: yes");
  EXPECT_EQ(heard(), "250 mta: yes\r\n");
  say("DATA\r\n");
  answer("354 mta: go on");
  EXPECT_EQ(heard(), "354 mta: go on\r\n");
  EXPECT_EQ(state(), State::handed_over);
  EXPECT_THAT(orders, ElementsAre(What::open, What::data, What::message));
  EXPECT_EQ(left_mta, 0);
  answer({.code = 250, .reply = "250 mta: queued\r\n", .last = true, .unread = "NOOP\r\n"});
  EXPECT_EQ(heard(), "250 mta: queued\r\n250 2.0.0 OK\r\n");
  EXPECT_EQ(left_mta, 1);
  EXPECT_EQ(state(), State::reading);
}

TEST_F(ConnectionMtaTest, AnswersInOrderWhateverIsSentAtOnceAndInPieces) {
  constexpr std::string_view kAll =
      "RCPT TO:<b@example.net>\r\nRCPT TO:<defer@example.net>\r\nNOOP\r\nRCPT TO:<c@example.net>\r\nDATA\r\nSubject: x\r\n";
  const auto data = kAll.find("Subject");
  for (std::size_t cut = 0; cut < kAll.size(); ++cut) {
    orders.clear();
    recipients.clear();
    start();
    introduce();
    if (cut > 0) say(kAll.substr(0, cut));
    if (cut < data) answer_up_to_message();
    say(kAll.substr(cut));
    answer_up_to_message();
    EXPECT_EQ(heard(), "250 mta: yes\r\n451 4.7.1 Come back\r\n250 2.0.0 OK\r\n250 mta: yes\r\n354 mta: go on\r\n") << cut;
    EXPECT_THAT(recipients, ElementsAre("RCPT TO:<b@example.net>", "RCPT TO:<c@example.net>")) << cut;
    // What is not read yet is still in the socket.
    EXPECT_TRUE(std::string_view("Subject: x\r\n").starts_with(connection->unread())) << cut << connection->unread();
    asked = false;
    connection.reset();
    drop_unread();
  }
}

TEST_F(ConnectionMtaTest, HangsUpWhenTheMessageCannotBeFinished) {
  start();
  introduce();
  say("RCPT TO:<b@example.net>\r\n");
  answer("250 mta: yes");
  say("DATA\r\n");
  answer("354 mta: go on");
  heard();
  connection->mta_failed();
  settle();
  EXPECT_EQ(heard(), "451 4.3.0 Please try again later\r\n");
  EXPECT_EQ(state(), State::lingering);
}

TEST_F(ConnectionMtaTest, HearsOutWhoIsRefusedInTheMiddleOfItsMessage) {
  start();
  introduce();
  say("RCPT TO:<b@example.net>\r\n");
  answer("250 mta: yes");
  say("DATA\r\n");
  answer("354 mta: go on");
  heard();
  answer({.code = 552, .reply = "552 mta: too much\r\n", .last = true, .cut = true});
  for (int i = 0; i < 3; ++i) {
    pass(std::chrono::seconds{10});
    say("a line of the message\r\n");
    EXPECT_FALSE(readable());
    EXPECT_EQ(state(), State::lingering);
  }
  EXPECT_EQ(heard(), "552 mta: too much\r\n");
  ::shutdown(ends[1], SHUT_WR);
  settle();
  EXPECT_TRUE(is_over);
}

TEST_F(ConnectionMtaTest, HearsOutNobodyForEver) {
  start();
  introduce();
  say("RCPT TO:<b@example.net>\r\n");
  answer("250 mta: yes");
  say("DATA\r\n");
  answer("354 mta: go on");
  answer({.code = 552, .reply = "552 mta: too much\r\n", .last = true, .cut = true});
  for (int i = 0; i < 2; ++i) {
    say("a line of the message\r\n");
    pass(config->limits.idle / 2 + std::chrono::seconds{2});
  }
  EXPECT_TRUE(is_over);
}

TEST_F(ConnectionMtaTest, LeavesTheMtaWithTheTransaction) {
  start();
  introduce();
  say("RCPT TO:<b@example.net>\r\n");
  answer("250 mta: yes");
  say("RSET\r\n");
  EXPECT_EQ(left_mta, 1);
  say("NOOP\r\n");
  EXPECT_EQ(left_mta, 1);
}

TEST_F(ConnectionMtaTest, TimesOutBetweenCommandsSoonWhileTheMtaIsKeptWaiting) {
  config->limits.idle = std::chrono::seconds{200};
  start();
  introduce();
  say("RCPT TO:<b@example.net>\r\n");
  pass(config->limits.idle * 2);
  EXPECT_FALSE(is_over) << "the MTA is thinking";
  answer("250 mta: yes");
  heard();
  pass(std::chrono::seconds{58});
  EXPECT_EQ(heard(), "");
  pass(std::chrono::seconds{4});
  EXPECT_EQ(heard(), "421 4.4.2 Timeout\r\n");
}

TEST_F(ConnectionMtaTest, HasItsTimeAgainOnceTheMtaIsLeft) {
  config->limits.idle = std::chrono::seconds{300};
  start();
  introduce();
  say("RCPT TO:<b@example.net>\r\n");
  answer("250 mta: yes");
  say("RSET\r\n");
  heard();
  pass(std::chrono::seconds{298});
  EXPECT_EQ(heard(), "");
  pass(std::chrono::seconds{4});
  EXPECT_EQ(heard(), "421 4.4.2 Timeout\r\n");
}

TEST_F(ConnectionMtaTest, AFarewellDoesNotCutShortWhoIsJoinedWhilePluginsAreToldOfAMessage) {
  script.hooks = hook::accepted;
  start();
  introduce();
  say("RCPT TO:<white@example.net>\r\n");
  EXPECT_THAT(orders, ElementsAre(What::join));
  hold_answers = true;
  MtaAnswer taken;
  taken.taken = {"a@example.org", {"white@example.net"}};
  answer(std::move(taken));
  EXPECT_EQ(state(), State::thinking);
  connection->finish("421 4.3.2 Shutting down\r\n");
  hold_answers = false;
  settle();
  EXPECT_EQ(state(), State::handed_over);
  EXPECT_THAT(orders, ElementsAre(What::join, What::join));
  EXPECT_EQ(heard(), "");
}

TEST_F(ConnectionMtaTest, AFarewellComesAfterTheAnswerToALedMessage) {
  script.hooks = hook::accepted;
  start();
  introduce();
  say("RCPT TO:<b@example.net>\r\n");
  answer("250 mta: yes");
  say("DATA\r\n");
  answer("354 mta: go on");
  heard();
  hold_answers = true;
  answer({.code = 250, .reply = "250 mta: queued\r\n", .last = true, .unread = ""});
  connection->finish("421 4.3.2 Shutting down\r\n");
  hold_answers = false;
  settle();
  EXPECT_EQ(heard(), "250 mta: queued\r\n421 4.3.2 Shutting down\r\n");
  EXPECT_TRUE(is_over);
}

}  // namespace
}  // namespace deferd::smtp
