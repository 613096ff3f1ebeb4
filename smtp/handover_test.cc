#include "smtp/handover.h"

#include "smtp/handover_fixture.h"

namespace deferd::smtp {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

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
  const auto [what, answer] = next();
  EXPECT_EQ(what, "answered");
  EXPECT_EQ(answer.taken.sender, "a@example.net");
  EXPECT_THAT(answer.taken.recipients, ElementsAre("b@example.org"));
  order(MtaOrder::What::join);
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
