// What a helper may say, and when it is left.
#include "pfbridge/link.h"

#include <gtest/gtest.h>

namespace deferd::pfbridge {
namespace {

using namespace std::chrono_literals;

class LinkTest : public testing::Test {
 protected:
  LinkTest() {
    link.connected(now);
    said();
  }

  std::string bytes(const bridge::Message& message, std::uint32_t id = 0) const {
    std::string text;
    bridge::write_frame(text, id, message);
    return text;
  }
  std::string hear(const bridge::Message& message, std::uint32_t id = 0) {
    auto taken = link.receive(bytes(message, id), now);
    return taken ? "" : taken.error().what;
  }
  std::vector<bridge::Frame> said() {
    bridge::FrameReader reader;
    reader.add(std::exchange(link.output(), {}));
    std::vector<bridge::Frame> all;
    while (auto frame = reader.next()) all.push_back(std::move(*frame));
    return all;
  }
  std::string step() {
    auto done = link.step("here", now, Time());
    return done ? "" : done.error().what;
  }
  /// Greets and is asked for the only table.
  std::uint32_t ask() {
    hear(bridge::Hello{1, {"white"}});
    link.tables().front()->prepared = true;
    step();
    return said().at(0).id;
  }

  Wanted wanted{[](Set, const Prefix&, bool) {}};
  std::vector<bridge::Passed> passed;
  Link link{
      {}, wanted, {}, [this](const bridge::Passed& one) { passed.push_back(one); }, [](const std::string&, const SyncStatus&) {}};
  SteadyTime now{1h};
};

TEST_F(LinkTest, GreetsFirstAndIsAliveAtOnce) {
  link.lost(now);
  link.connected(now);
  const auto frames = said();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].message, bridge::Message(bridge::Hello{}));
  EXPECT_EQ(frames[1].message, bridge::Message(bridge::Alive{}));
}

TEST_F(LinkTest, IsAliveEveryTenSeconds) {
  hear(bridge::Hello{1, {}});
  now += 9s;
  step();
  EXPECT_TRUE(said().empty());
  now += 1s;
  step();
  ASSERT_EQ(said().size(), 1u);
}

TEST_F(LinkTest, IsAliveWhileARequestIsNotAnswered) {
  ask();
  for (int i = 0; i < 5; ++i) {
    now += 10s;
    EXPECT_EQ(step(), "");
    ASSERT_EQ(said().size(), 1u);
  }
}

TEST_F(LinkTest, LeavesAHelperThatDoesNotGreet) {
  now += 29s;
  EXPECT_EQ(step(), "");
  now += 1s;
  EXPECT_EQ(step(), "the helper does not greet");
}

TEST_F(LinkTest, LeavesAHelperThatDoesNotAnswer) {
  ask();
  now += 5min;
  EXPECT_EQ(step(), "the helper does not answer");
}

TEST_F(LinkTest, WaitsWhileALongAnswerComes) {
  const auto id = ask();
  now += 4min;
  EXPECT_EQ(hear(bridge::Entries{{*bridge::Entry::parse("192.0.2.1")}}, id), "");
  now += 4min;
  EXPECT_EQ(step(), "");
}

TEST_F(LinkTest, LeavesAHelperOfAnotherVersion) {
  EXPECT_EQ(hear(bridge::Hello{2, {}}), "the helper speaks version 2 of the protocol, deferd 1: install both from one release");
}

TEST_F(LinkTest, TakesNothingThatNobodyAskedFor) {
  EXPECT_EQ(hear(bridge::Done{}, 1), "the helper did not greet");
  const auto id = ask();
  EXPECT_EQ(hear(bridge::Done{}, id + 1), "the helper answered what nobody asked");
  EXPECT_EQ(hear(bridge::Done{}, 0), "the helper answered what nobody asked");
  EXPECT_EQ(hear(bridge::Destination{}, id), "the helper answered what nobody asked");
  EXPECT_EQ(hear(bridge::Add{0, {}}, id), "the helper answered what nobody asked");
  EXPECT_EQ(hear(bridge::Hello{1, {}}), "the helper greeted twice");
  EXPECT_EQ(hear(bridge::Done{}, id), "");
  EXPECT_EQ(hear(bridge::Done{}, id), "the helper answered what nobody asked") << "it was answered";
}

TEST_F(LinkTest, LeavesWhoSpeaksNotTheProtocol) {
  const auto taken = link.receive("220 mail.example.org ESMTP\r\n", now);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().what, "what the helper says is not of the protocol");
}

TEST_F(LinkTest, PassesOnWhatTheHelperSaw) {
  hear(bridge::Hello{1, {}});
  const bridge::Passed one{true, *bridge::Entry::parse("192.0.2.1"), "em0"};
  EXPECT_EQ(hear(one), "");
  EXPECT_EQ(passed, std::vector{one});
  EXPECT_EQ(hear(bridge::Passed{true, *bridge::Entry::parse("192.0.2.0/24"), "em0"}),
            "the helper told of a connection of a whole network");
}

TEST_F(LinkTest, KeepsTablesOfOneNameApart) {
  hear(bridge::Hello{1, {"white", "other", "white"}});
  ASSERT_EQ(link.tables().size(), 2u);
  for (const auto& table : link.tables()) table->prepared = true;
  step();
  const auto frames = said();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].message, bridge::Message(bridge::Read{0}));
  EXPECT_EQ(frames[1].message, bridge::Message(bridge::Read{2}));
}

TEST_F(LinkTest, KnowsATableAgainWhoseNumberIsAnother) {
  hear(bridge::Hello{1, {"white"}});
  const auto* before = link.tables().front().get();
  link.lost(now);
  link.connected(now);
  said();
  hear(bridge::Hello{1, {"trapped", "white"}});
  ASSERT_EQ(link.tables().size(), 2u);
  EXPECT_EQ(link.tables()[1].get(), before);
  EXPECT_EQ(link.tables()[1]->number, 1);
}

}  // namespace
}  // namespace deferd::pfbridge
