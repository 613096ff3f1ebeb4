// Hand-overs in which the session leads: RCPT by RCPT, then the message.
#include "smtp/handover_books.h"
#include "smtp/handover_fixture.h"

namespace deferd::smtp {
namespace {

using What = MtaOrder::What;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class LedHandoverTest : public HandoverTest {
 protected:
  LedHandoverTest() { order_.what = What::open; }
  void TearDown() override {
    on_io_thread([this] { handover_.reset(); });
    mta_.reset();  // its part uses what is ours
  }

  /// An MTA that takes everything; what it heard after the first RCPT.
  void serve_well() {
    serve([this](FakeMtaClient& client) {
      answer(client, "250 2.1.5 first\r\n");
      std::string heard;
      for (std::string line; !(line = client.line()).empty();) {
        heard += line + "\n";
        if (line.starts_with("RCPT")) client.say("250 2.1.5 yes\r\n");
        if (line == "DATA") {
          client.say("354 go on\r\n");
          for (;;) {
            const auto byte = client.bytes(1);
            if (byte.empty()) break;
            text_ += byte;
            if (text_.ends_with("\r\n.\r\n")) break;
          }
          client.say("250 2.0.0 queued\r\n");
        }
        if (line == "QUIT") break;
      }
      heard_.set_value(heard);
    });
  }
  std::string heard() {
    auto future = heard_.get_future();
    return future.wait_for(seconds(20)) == std::future_status::ready ? future.get() : "nothing";
  }
  void open() {
    begin();
    EXPECT_EQ(LedHandoverTest::answer(), "250 2.1.5 first\r\n");
  }
  using HandoverTest::answer;

  std::promise<std::string> heard_;
  std::string text_;
};

TEST_F(LedHandoverTest, CarriesOneTransactionAndSaysGoodbye) {
  serve_well();
  open();
  order_.words.rcpt = "rcpt to: <c@example.org> NOTIFY=NEVER";
  order(What::rcpt);
  EXPECT_EQ(answer(), "250 2.1.5 yes\r\n");
  order(What::data);
  EXPECT_EQ(answer(), "354 go on\r\n");
  order(What::message, "Subject: x\r\n\r\n");
  say("..\r\n.\r\nMAIL FROM:<next@example.net>\r\n");
  const auto [what, answered] = next();
  EXPECT_EQ(what, "answered");
  EXPECT_EQ(answered.code, 250);
  EXPECT_EQ(answered.reply, "250 2.0.0 queued\r\n");
  EXPECT_TRUE(answered.last);
  EXPECT_EQ(answered.unread, "MAIL FROM:<next@example.net>\r\n");
  on_io_thread([this] { handover_.reset(); });
  EXPECT_EQ(heard(), "RCPT TO:<c@example.org>\nDATA\nQUIT\n") << "with what this MTA offers";
  EXPECT_EQ(text_, "Subject: x\r\n\r\n..\r\n.\r\n");
  EXPECT_TRUE(log_.contains("smtp.handover_message client=203.0.113.7 mta_reply=250 2.0.0 queued bytes=21"));
  EXPECT_EQ(service_->open(), 0);
  EXPECT_THAT(metrics_.text(), HasSubstr("deferd_handover_total{result=\"accepted\"} 2\n"));
}

TEST_F(LedHandoverTest, NothingBehindTheEndReachesTheMtaHoweverTheBytesCome) {
  constexpr std::string_view kSaid = "x\r\n.y\r\n.\r\nRCPT TO:<z@example.org>\r\n";
  constexpr std::size_t kEnd = 10;
  for (std::size_t cut = 0; cut <= kSaid.size(); ++cut) {
    text_.clear();
    heard_ = {};
    if (cut == 0) serve_well();
    open();
    order(What::data);
    answer();
    order(What::message, std::string(kSaid.substr(0, cut)));
    if (cut < kSaid.size()) say(kSaid.substr(cut));
    const auto answered = next().answer;
    EXPECT_EQ(answered.code, 250);
    on_io_thread([this] { handover_.reset(); });
    EXPECT_EQ(heard(), "DATA\nQUIT\n") << cut;
    EXPECT_EQ(text_, kSaid.substr(0, kEnd)) << cut;
    ASSERT_TRUE(answered.unread);
    // What was not read is still to come.
    EXPECT_TRUE(kSaid.substr(kEnd).starts_with(*answered.unread)) << cut;
    std::string left(kSaid.size(), '\0');
    const auto rest = ::recv(descriptor_->native_handle(), left.data(), left.size(), MSG_DONTWAIT);
    EXPECT_EQ(answered.unread->size() + static_cast<std::size_t>(std::max<ssize_t>(rest, 0)), kSaid.size() - kEnd) << cut;
  }
}

TEST_F(LedHandoverTest, ReadsNoMoreThanTheMtaTakes) {
  std::promise<void> go_on;
  std::size_t size = 0;
  serve([&](FakeMtaClient& client) {
    client.take_little();
    answer(client, "250 2.1.5 first\r\n");
    client.line();
    client.say("354 go on\r\n");
    go_on.get_future().wait();
    for (std::string line; (line = client.line()) != ".";) size += line.size() + 2;
    client.say("250 queued\r\n");
    client.rest();
  });
  open();
  order(What::data);
  answer();
  order(What::message);
  const int little = 64 * 1024;
  ::setsockopt(client_, SOL_SOCKET, SO_SNDBUF, &little, sizeof little);
  ::fcntl(client_, F_SETFL, O_NONBLOCK);
  std::string piece;
  while (piece.size() < 64 * 1024) piece += std::string(62, 'x') + "\r\n";
  std::size_t in = 0, stuck = 0;
  const auto until = std::chrono::steady_clock::now() + seconds(20);
  // Nobody reads at the MTA: some time nothing goes in any more.
  while (stuck < 50 && in < 64 * 1024 * 1024 && std::chrono::steady_clock::now() < until) {
    const auto sent = ::send(client_, piece.data() + in % 64, piece.size() - in % 64, MSG_NOSIGNAL);
    stuck = sent > 0 ? 0 : stuck + 1;
    if (sent > 0)
      in += static_cast<std::size_t>(sent);
    else
      on_io_thread([] { std::this_thread::yield(); });
  }
  EXPECT_EQ(stuck, 50u) << in << " bytes went in";
  ::fcntl(client_, F_SETFL, 0);
  go_on.set_value();
  say(std::string_view(piece).substr(in % 64, 64 - in % 64));
  say(".\r\n");
  EXPECT_EQ(answer(), "250 queued\r\n(last)");
  on_io_thread([this] { handover_.reset(); });
  mta_.reset();
  EXPECT_EQ(size, in + 64 - in % 64) << "all of it arrives";
}

TEST_F(LedHandoverTest, OnlySoManyAreLedAtATime) {
  most_led_ = 1;
  serve([](FakeMtaClient& client) {
    answer(client, "250 2.1.5 first\r\n");
    client.rest();
  });
  open();
  auto first = std::move(handover_);
  begin();
  EXPECT_EQ(answer(), "failed");
  EXPECT_TRUE(log_.contains("result=unavailable mta_reply=too many clients are led already")) << log_.lines().back();
  EXPECT_TRUE(service_->mta()->ready()) << "the MTA is not to blame";
  on_io_thread([&] { first.reset(); });
  open();
}

TEST(HandoverPlaces, AQuarterIsForOneNetwork) {
  FakeLog log;
  Metrics metrics;
  HandoverBooks books(log, metrics);
  const auto place = [&books](const char* client, bool leads = true) {
    return std::make_unique<HandoverPlace>(books, *Address::parse(client), leads, 8);
  };
  auto one = place("192.0.2.1");
  const auto two = place("192.0.2.2");
  EXPECT_FALSE(two->refused());
  EXPECT_TRUE(place("192.0.2.3")->refused());
  EXPECT_FALSE(place("192.0.2.3", false)->refused());
  EXPECT_FALSE(place("2001:db8::1")->refused());
  one.reset();
  EXPECT_FALSE(place("192.0.2.3")->refused());
}

TEST_F(LedHandoverTest, WhoIsJoinedTakesNoPlaceOfThoseThatAreLed) {
  most_led_ = 1;
  serve([](FakeMtaClient& client) {
    answer(client, "250 2.1.5 first\r\n");
    client.rest();
  });
  open();
  auto first = std::move(handover_);
  order_.what = What::join;
  begin();
  EXPECT_EQ(hear(), "250 2.1.5 first\r");
  on_io_thread([&] { first.reset(); });
}

TEST_F(LedHandoverTest, AnEndInDoubtIsNoEnd) {
  serve_well();
  open();
  order(What::data);
  answer();
  order(What::message);
  say("Subject: x\r\n\n.\r\nMAIL FROM:<smuggled@example.net>\r\n");
  EXPECT_THAT(answer(), StartsWith("554 5.6.0 "));
  on_io_thread([this] { handover_.reset(); });
  EXPECT_EQ(heard(), "DATA\n");
  EXPECT_EQ(text_.find('.'), text_.npos) << "and no QUIT, which would be text";
}

TEST_F(LedHandoverTest, AnMtaThatRefusesTheSenderIsNotAskedAnyMore) {
  serve([](FakeMtaClient& client) {
    client.header();
    for (const char* reply : {"220 fake\r\n", "250 fake\r\n", "550 5.7.1 not you\r\n"}) {
      client.say(reply);
      client.line();
    }
    client.rest();
  });
  begin();
  EXPECT_EQ(answer(), "550 5.7.1 not you\r\n(last)");
}

TEST_F(LedHandoverTest, WhoSaysMoreThanItWasAskedIsNotAskedAnyMore) {
  serve([](FakeMtaClient& client) {
    answer(client, "250 2.1.5 first\r\n250 what?\r\n");
    client.rest();
  });
  begin();
  EXPECT_EQ(answer(), "250 2.1.5 first\r\n(last)");
}

TEST_F(LedHandoverTest, RelaysARefusalBeforeTheEnd) {
  serve([](FakeMtaClient& client) {
    answer(client, "250 2.1.5 first\r\n");
    client.line();
    client.say("354 go on\r\n");
    client.line();
    client.say("552 5.3.4 too much\r\n");
    client.rest();
  });
  open();
  order(What::data);
  answer();
  order(What::message, "Subject: x\r\n");
  EXPECT_EQ(answer(), "552 5.3.4 too much\r\n(last)(cut)");
}

struct Death {
  const char* name;
  int answers;            // to orders, before it dies
  std::string_view last;  // what it says then
  const char* outcome;
};
void PrintTo(const Death& death, std::ostream* out) { *out << death.name; }

class MtaDiesTest : public LedHandoverTest, public ::testing::WithParamInterface<Death> {};

TEST_P(MtaDiesTest, AndTheSessionIsTold) {
  serve([](FakeMtaClient& client) {
    answer(client, "250 2.1.5 first\r\n");
    constexpr std::string_view kReplies[] = {"250 2.1.5 second\r\n", "354 go on\r\n"};
    for (int i = 0; i < GetParam().answers; ++i) {
      client.line();
      client.say(kReplies[i]);
    }
    client.line();
    client.say(GetParam().last);
  });
  open();
  constexpr What kOrders[] = {What::rcpt, What::data, What::message};
  for (int i = 0; i < GetParam().answers; ++i) {
    order(kOrders[i]);
    EXPECT_EQ(next().what, "answered");
  }
  order(kOrders[GetParam().answers], "Subject: x\r\n");
  EXPECT_EQ(answer(), GetParam().outcome);
}

INSTANTIATE_TEST_SUITE_P(Handover, MtaDiesTest,
                         ::testing::Values(Death{"rcpt", 0, "", "failed"}, Death{"rcpt_half", 0, "250-ha", "failed"},
                                           Death{"rcpt_nonsense", 0, "hello\r\n", "failed"},
                                           Death{"rcpt_354", 0, "354 go on\r\n", "failed"},
                                           Death{"rcpt_two", 0, "250 ok\r\n250 ok\r\n", "failed"},
                                           Death{"rcpt_busy", 0, "421 busy\r\n", "421 busy\r\n(last)"},
                                           Death{"data", 1, "", "failed"}, Death{"data_250", 1, "250 ok\r\n", "failed"},
                                           Death{"data_busy", 1, "421 busy\r\n", "421 busy\r\n(last)"},
                                           Death{"message", 2, "", "failed"}, Death{"message_250", 2, "250 ok\r\n", "failed"},
                                           Death{"message_busy", 2, "421 busy\r\n", "421 busy\r\n(last)(cut)"}),
                         [](const auto& death) { return death.param.name; });

TEST_F(LedHandoverTest, AnMtaThatHangsUpInsteadOfAnsweringTheMessageLeavesTheClientWithoutAnAnswer) {
  serve([](FakeMtaClient& client) {
    answer(client, "250 2.1.5 first\r\n");
    client.line();
    client.say("354 go on\r\n");
    client.line();
  });
  open();
  order(What::data);
  answer();
  order(What::message, ".\r\n");
  EXPECT_EQ(answer(), "over");
}

TEST_F(LedHandoverTest, AnAnswerToTheMessageCountsEvenIfTheMtaLeaves) {
  serve([](FakeMtaClient& client) {
    answer(client, "250 2.1.5 first\r\n");
    client.line();
    client.say("354 go on\r\n");
    client.line();
    client.say("250 2.0.0 queued\r\n421 4.3.2 shutting down\r\n");
  });
  open();
  order(What::data);
  answer();
  order(What::message, ".\r\n");
  EXPECT_EQ(answer(), "250 2.0.0 queued\r\n(last)");
}

TEST_F(LedHandoverTest, AClientThatLeavesInItsMessageLeavesNothingAtTheMta) {
  serve_well();
  open();
  order(What::data);
  answer();
  order(What::message, "Subject: x\r\n\r\n.\r");
  hang_up();
  EXPECT_EQ(outcome(), "over");
  EXPECT_EQ(heard(), "DATA\n");
  EXPECT_EQ(text_, "Subject: x\r\n\r\n");
}

TEST_F(LedHandoverTest, AClientThatLeavesAfterTheEndIsNotMissed) {
  serve_well();
  open();
  order(What::data);
  answer();
  order(What::message, "Subject: x\r\n\r\n.\r\n");
  hang_up();
  EXPECT_EQ(answer(), "250 2.0.0 queued\r\n(last)");
}

TEST_F(LedHandoverTest, AMessageThatIsNotSentByTheSessionsEndIsCutShort) {
  serve_well();
  end_ = std::chrono::steady_clock::now();
  open();
  order(What::data);
  answer();
  order(What::message, "Subject: x\r\n");
  EXPECT_EQ(answer(), "421 4.4.2 Timeout\r\n(last)(cut)");
  on_io_thread([this] { handover_.reset(); });
  EXPECT_EQ(heard(), "DATA\n") << "and no QUIT, which would be text";
}

TEST_F(LedHandoverTest, TheAnswerToAWholeMessageIsWaitedForBeyondTheSessionsEnd) {
  std::promise<void> go_on;
  serve([&](FakeMtaClient& client) {
    answer(client, "250 2.1.5 first\r\n");
    client.line();
    client.say("354 go on\r\n");
    client.line();
    go_on.get_future().wait_for(seconds(20));
    client.say("250 2.0.0 queued\r\n");
  });
  end_ = std::chrono::steady_clock::now();
  open();
  order(What::data);
  answer();
  order(What::message, ".\r\n");
  for (int turn = 0; turn < 100; ++turn) on_io_thread([] { std::this_thread::yield(); });
  go_on.set_value();
  EXPECT_EQ(answer(), "250 2.0.0 queued\r\n(last)");
}

TEST_F(LedHandoverTest, EndsAtOnceInTheMiddleOfAMessage) {
  serve_well();
  open();
  order(What::data);
  answer();
  order(What::message, "Subject: x\r\n");
  on_io_thread([this] { handover_.reset(); });
  EXPECT_EQ(heard(), "DATA\n");
  EXPECT_EQ(service_->open(), 0);
}

TEST_F(LedHandoverTest, EndsPolitelyBetweenTwoOrders) {
  serve_well();
  open();
  on_io_thread([this] { handover_.reset(); });
  EXPECT_EQ(heard(), "QUIT\n");
}

}  // namespace
}  // namespace deferd::smtp
