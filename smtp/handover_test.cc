#include "smtp/handover.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <thread>

#include "deferd/testing/fake_log.h"
#include "smtp/fake_mta.h"
#include "smtp/handover_offer.h"

namespace deferd::smtp {
namespace {

using std::chrono::milliseconds, std::chrono::seconds;
using ::testing::HasSubstr;

/// A client at the point where it is handed over, and an I/O thread.
class HandoverTest : public ::testing::Test {
 protected:
  HandoverTest() : work_(boost::asio::make_work_guard(context_)), thread_([this] { context_.run(); }) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw std::runtime_error("socketpair");
    client_ = ends[0];
    ::fcntl(ends[1], F_SETFL, O_NONBLOCK);
    descriptor_ = std::make_unique<boost::asio::posix::stream_descriptor>(context_, ends[1]);
    transport_ = std::make_unique<PlainTransport>(ends[1]);
    const timeval limit{20, 0};
    ::setsockopt(client_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    session_.client = *Address::parse("203.0.113.7");
    session_.client_port = 40'000;
    session_.local = *Address::parse("192.0.2.1");
    session_.local_port = 25;
    envelope_ = {true, "mail.example.net", "MAIL FROM:<a@example.net>", "RCPT TO:<b@example.org>"};
    patience_.reply = patience_.rcpt = seconds(20);
  }
  ~HandoverTest() override {
    on_io_thread([this] {
      handover_.reset();
      descriptor_.reset();
    });
    service_.reset();
    work_.reset();
    thread_.join();
    ::close(client_);
  }

  template <class Work>
  void on_io_thread(Work work) {
    std::promise<void> done;
    boost::asio::post(context_, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  /// `part` plays the MTA after the probe, which finds a good one.
  void serve(FakeMta::Part part) {
    mta_ = std::make_unique<FakeMta>([this, part = std::move(part)](FakeMtaClient& client) {
      if (probed_.exchange(true))
        part(client);
      else
        play_mta(client);
    });
    configure(mta_->address());
    wait_until([&] { return service_->mta()->ready(); });
    ASSERT_TRUE(service_->mta()->ready()) << service_->mta()->why;
  }
  void configure(const std::string& to) {
    HandoverConfig config;
    config.to = to;
    config.probe = std::chrono::hours(1);
    service_ = std::make_unique<HandoverService>(log_, metrics_, patience_);
    service_->configure(config, "mx.example.org");
  }
  template <class Condition>
  static bool wait_until(Condition condition) {
    const auto until = std::chrono::steady_clock::now() + seconds(20);
    while (!condition() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    return condition();
  }

  /// Begins; what the client had sent ahead is `unread`.
  void begin(std::string unread = {}) {
    unread_ = std::move(unread);
    on_io_thread([this] {
      handover_ = service_->starter()({context_, *descriptor_, *transport_, session_, envelope_, unread_,
                                       [this] {
                                         handover_.reset();
                                         outcome_.set_value("failed");
                                       },
                                       [this] {
                                         handover_.reset();
                                         descriptor_.reset();
                                         outcome_.set_value("over");
                                       }});
    });
  }
  std::string outcome() {
    auto future = outcome_.get_future();
    if (future.wait_for(seconds(20)) != std::future_status::ready) return "nothing";
    return future.get();
  }

  /// A line the client hears.
  std::string hear() {
    std::string line;
    for (char c = 0; ::recv(client_, &c, 1, 0) == 1 && c != '\n';) line += c;
    return line;
  }
  void say(std::string_view bytes) { ::send(client_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  bool counted(std::string_view result) const {
    return metrics_.text().find("deferd_handover_total{result=\"" + std::string(result) + "\"} 1\n") != std::string::npos;
  }

  /// An MTA's part up to and with its reply to RCPT.
  static void answer(FakeMtaClient& client, std::string_view reply) {
    client.header();
    client.say("220 fake\r\n");
    client.line();
    client.say("250 fake\r\n");
    client.line();
    client.say("250 ok\r\n");
    client.line();
    client.say(reply);
  }

  FakeLog log_;
  Metrics metrics_;
  MtaPatience patience_;
  std::unique_ptr<HandoverService> service_;
  std::unique_ptr<FakeMta> mta_;
  std::atomic<bool> probed_ = false;
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;
  int client_ = -1;
  std::unique_ptr<boost::asio::posix::stream_descriptor> descriptor_;
  std::unique_ptr<PlainTransport> transport_;
  Session session_;
  HandoverEnvelope envelope_;
  std::string unread_;
  std::unique_ptr<Handover> handover_;
  std::promise<std::string> outcome_;
};

TEST_F(HandoverTest, RelaysTheMtasReplyAndThenEverything) {
  serve([](FakeMtaClient& client) {
    answer(client, "250-2.1.5 yes\r\n250 2.1.5 please\r\n");
    if (client.line() == "DATA") client.say("354 go on\r\n");
    if (client.line() == ".") client.say("250 taken\r\n");
    if (client.line() == "QUIT") client.say("221 bye\r\n");
  });
  begin("DATA\r\n");
  EXPECT_EQ(hear(), "250-2.1.5 yes\r");
  EXPECT_EQ(hear(), "250 2.1.5 please\r");
  EXPECT_EQ(hear(), "354 go on\r");
  EXPECT_EQ(service_->open(), 1);
  say(".\r\n");
  EXPECT_EQ(hear(), "250 taken\r");
  say("QUIT\r\n");
  EXPECT_EQ(hear(), "221 bye\r");
  ::shutdown(client_, SHUT_WR);
  EXPECT_EQ(outcome(), "over");
  EXPECT_EQ(service_->open(), 0);
  EXPECT_TRUE(counted("accepted"));
  EXPECT_TRUE(log_.contains("smtp.handover client=203.0.113.7 result=accepted mta_reply=250-2.1.5 yes")) << log_.lines().back();
  EXPECT_TRUE(log_.contains("smtp.handover_ended client=203.0.113.7"));
}

TEST_F(HandoverTest, TellsTheMtaTheStrangersAddress) {
  std::promise<std::string> header;
  serve([&](FakeMtaClient& client) { header.set_value(client.header()); });
  begin();
  const auto bytes = header.get_future().get();
  ASSERT_EQ(bytes.size(), 28u);
  EXPECT_EQ(bytes.substr(16, 4), std::string("\xCB\x00\x71\x07", 4));
  EXPECT_EQ(outcome(), "failed");
}

TEST_F(HandoverTest, RelaysARefusalOfTheRecipient) {
  serve([](FakeMtaClient& client) {
    answer(client, "550 5.1.1 unknown\r\n");
    client.rest();
  });
  begin();
  EXPECT_EQ(hear(), "550 5.1.1 unknown\r");
  EXPECT_TRUE(wait_until([&] { return counted("rejected"); }));
}

TEST_F(HandoverTest, FailsWhenTheMtaIsGone) {
  serve([](FakeMtaClient&) {});
  mta_.reset();
  begin();
  EXPECT_EQ(outcome(), "failed");
  EXPECT_TRUE(counted("unavailable"));
  EXPECT_TRUE(log_.contains("result=unavailable mta_reply=cannot connect")) << log_.lines().back();
}

TEST_F(HandoverTest, FailsWhenNoProbeWasGood) {
  configure("127.0.0.1:" + std::to_string(FakeMta::free_port()));
  begin();
  EXPECT_EQ(outcome(), "failed");
}

TEST_F(HandoverTest, FailsWithoutAnMta) {
  configure("");
  begin();
  EXPECT_EQ(outcome(), "failed");
  EXPECT_FALSE(service_->mta()->ready());
}

struct Stage {
  const char* name;
  int lines;  // heard by the MTA before it fails
};

class HandoverStageTest : public HandoverTest, public ::testing::WithParamInterface<Stage> {
 protected:
  /// Plays its part well up to the stage.
  static void up_to_stage(FakeMtaClient& client) {
    client.header();
    constexpr const char* kReplies[] = {"220 fake\r\n", "250 fake\r\n", "250 ok\r\n", "250 ok\r\n"};
    for (int i = 0; i < GetParam().lines; ++i) {
      client.say(kReplies[i]);
      client.line();
    }
  }
};

TEST_P(HandoverStageTest, LosesNothingWhenTheMtaDies) {
  serve([](FakeMtaClient& client) {
    up_to_stage(client);
    client.reset();
  });
  begin();
  EXPECT_EQ(outcome(), "failed");
  EXPECT_TRUE(counted("unavailable"));
}

TEST_P(HandoverStageTest, LosesNothingWhenTheMtaIsBusy) {
  serve([](FakeMtaClient& client) {
    up_to_stage(client);
    client.say("421 4.3.2 busy\r\n");
  });
  begin();
  if (GetParam().lines < 3) {
    EXPECT_EQ(outcome(), "failed");
  } else {
    EXPECT_EQ(hear(), "421 4.3.2 busy\r");  // the MTA's own word on the recipient
    ::shutdown(client_, SHUT_WR);
    EXPECT_EQ(outcome(), "over");
    EXPECT_TRUE(counted("deferred"));
  }
}

TEST_P(HandoverStageTest, LosesNothingWhenTheMtaSaysHalfAReply) {
  serve([](FakeMtaClient& client) {
    up_to_stage(client);
    client.say("250-ha");
  });
  begin();
  EXPECT_EQ(outcome(), "failed");
}

INSTANTIATE_TEST_SUITE_P(Handover, HandoverStageTest,
                         ::testing::Values(Stage{"banner", 0}, Stage{"ehlo", 1}, Stage{"mail", 2}, Stage{"rcpt", 3}),
                         [](const auto& stage) { return stage.param.name; });

class SlowMtaTest : public HandoverTest {
 protected:
  SlowMtaTest() { patience_.reply = patience_.rcpt = milliseconds(100); }
};

TEST_F(SlowMtaTest, FailsWhenTheMtaDoesNotAnswerInTime) {
  std::promise<void> end;
  serve([&](FakeMtaClient& client) {
    client.header();
    client.say("220 ");
    client.rest();
    end.set_value();
  });
  begin();
  EXPECT_EQ(outcome(), "failed");
  EXPECT_TRUE(log_.contains("no answer in time at the banner")) << log_.lines().back();
  EXPECT_EQ(end.get_future().wait_for(seconds(20)), std::future_status::ready) << "the MTA is hung up on";
}

TEST_F(HandoverTest, EndsAtOnceWithTheConnection) {
  std::promise<std::string> rest;
  serve([&](FakeMtaClient& client) {
    answer(client, "250 ok\r\n");
    rest.set_value(client.rest());
  });
  begin();
  EXPECT_EQ(hear(), "250 ok\r");
  on_io_thread([this] { handover_.reset(); });
  EXPECT_EQ(service_->open(), 0);
  auto end = rest.get_future();
  ASSERT_EQ(end.wait_for(seconds(20)), std::future_status::ready);
}

TEST_F(HandoverTest, EndsAtOnceInTheMiddleOfACall) {
  std::promise<void> called, ended;
  serve([&](FakeMtaClient& client) {
    client.header();
    called.set_value();
    client.rest();
    ended.set_value();
  });
  begin();
  called.get_future().wait();
  on_io_thread([this] { handover_.reset(); });
  EXPECT_EQ(ended.get_future().wait_for(seconds(20)), std::future_status::ready);
  EXPECT_EQ(service_->open(), 0);
}

TEST_F(HandoverTest, TellsHowManyAreOpenAndWhetherTheMtaIsReady) {
  serve([](FakeMtaClient& client) {
    answer(client, "250 ok\r\n");
    client.rest();
  });
  begin();
  EXPECT_EQ(hear(), "250 ok\r");
  EXPECT_THAT(metrics_.text(), HasSubstr("\ndeferd_handover_open 1\n"));
  EXPECT_THAT(metrics_.text(), HasSubstr("\ndeferd_handover_ready 1\n"));
  service_->configure({}, "mx.example.org");
  EXPECT_THAT(metrics_.text(), HasSubstr("\ndeferd_handover_ready 0\n"));
  EXPECT_EQ(service_->open(), 1) << "who is handed over stays";
}

}  // namespace
}  // namespace deferd::smtp
