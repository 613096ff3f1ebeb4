#include "pfbridge/helper/captures.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <optional>

namespace deferd::bridge {
namespace {

using namespace std::chrono_literals;

Connection connection(Direction direction, const char* peer, const char* interface = "em0") {
  Connection one;
  one.direction = direction;
  (direction == Direction::in ? one.source : one.target) = *Entry::parse(peer);
  one.interface = interface;
  return one;
}

/// Hands over what the test has put into it, one connection at each reading.
class ScriptedCapture : public Capture {
 public:
  struct Script {
    std::deque<Connection> waiting;
    State at_end = State::open;
    int descriptor = 7;
  };
  explicit ScriptedCapture(std::shared_ptr<Script> script) : script_(std::move(script)) {}

  int descriptor() const override { return script_->descriptor; }
  State read(const Take& take) override {
    if (script_->waiting.empty()) return script_->at_end;
    take(script_->waiting.front());
    script_->waiting.pop_front();
    return State::open;
  }
  std::string error() const override { return "pflog0: the interface is gone"; }

 private:
  const std::shared_ptr<Script> script_;
};

class CapturesTest : public testing::Test {
 protected:
  std::shared_ptr<ScriptedCapture::Script> add(int descriptor = 7) {
    auto script = std::make_shared<ScriptedCapture::Script>();
    script->descriptor = descriptor;
    captures->add(std::make_unique<ScriptedCapture>(script));
    return script;
  }
  /// What is told of one more connection on the device.
  std::vector<Passed> see(ScriptedCapture::Script& device, Connection one) {
    device.waiting.push_back(std::move(one));
    return read();
  }
  std::vector<Passed> read() {
    std::vector<Passed> told;
    EXPECT_TRUE(captures->read(now, [&](const Passed& passed) { told.push_back(passed); })) << captures->error();
    return told;
  }

  Captures::Time now{1h};
  std::optional<Captures> captures{std::in_place, std::vector<std::string>{}};
};

TEST_F(CapturesTest, TellsWhoConnectedAndWhere) {
  const auto device = add();
  EXPECT_EQ(see(*device, connection(Direction::in, "192.0.2.7")),
            std::vector<Passed>{(Passed{true, *Entry::parse("192.0.2.7"), "em0"})});
  EXPECT_EQ(see(*device, connection(Direction::out, "2001:db8::25", "em1")),
            std::vector<Passed>{(Passed{false, *Entry::parse("2001:db8::25"), "em1"})});
}

TEST_F(CapturesTest, TellsOfAHostOnceAMinuteEachWay) {
  const auto device = add();
  EXPECT_EQ(see(*device, connection(Direction::in, "192.0.2.7")).size(), 1u);
  EXPECT_EQ(see(*device, connection(Direction::in, "192.0.2.7")).size(), 0u);
  EXPECT_EQ(see(*device, connection(Direction::out, "192.0.2.7")).size(), 1u);
  EXPECT_EQ(see(*device, connection(Direction::in, "192.0.2.7", "em1")).size(), 1u);
  EXPECT_EQ(see(*device, connection(Direction::in, "192.0.2.8")).size(), 1u);
  now += 59s;
  EXPECT_EQ(see(*device, connection(Direction::in, "192.0.2.7")).size(), 0u);
  now += 61s;
  EXPECT_EQ(see(*device, connection(Direction::in, "192.0.2.7")).size(), 1u);
}

TEST_F(CapturesTest, RemembersABoundedNumberOfHosts) {
  const auto device = add();
  for (unsigned i = 0; i < 60'000; ++i) {
    auto one = connection(Direction::in, "192.0.2.7");
    one.source = Entry::make(
        Family::v4, {10, static_cast<std::uint8_t>(i >> 16), static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)},
        32);
    ASSERT_EQ(see(*device, std::move(one)).size(), 1u);
  }
  EXPECT_EQ(see(*device, connection(Direction::in, "10.0.234.95")).size(), 0u);  // the last
  EXPECT_EQ(see(*device, connection(Direction::in, "10.0.0.0")).size(), 1u);     // the first is forgotten
}

TEST_F(CapturesTest, LeavesOutOtherInterfaces) {
  captures.emplace(std::vector<std::string>{"em1", "em2"});
  const auto device = add();
  EXPECT_EQ(see(*device, connection(Direction::in, "192.0.2.7")).size(), 0u);
  EXPECT_EQ(see(*device, connection(Direction::in, "192.0.2.7", "em2")).size(), 1u);
}

TEST_F(CapturesTest, LosesWhatADeviceHasWhileNobodyListensAndTellsOfTheNext) {
  const auto device = add();
  device->waiting.push_back(connection(Direction::in, "192.0.2.7"));
  EXPECT_TRUE(captures->read(now, nullptr));
  EXPECT_TRUE(device->waiting.empty());
  EXPECT_EQ(see(*device, connection(Direction::in, "192.0.2.7")).size(), 1u);
}

TEST_F(CapturesTest, KeepsAFileForWhoWillListen) {
  const auto file = add(-1);
  file->at_end = Capture::State::ended;
  file->waiting = {connection(Direction::in, "192.0.2.7"), connection(Direction::in, "192.0.2.8")};
  EXPECT_TRUE(captures->read(now, nullptr));
  EXPECT_TRUE(captures->unread());
  EXPECT_EQ(read().size(), 1u);
  EXPECT_EQ(read().size(), 1u);
  EXPECT_EQ(read().size(), 0u);
  EXPECT_FALSE(captures->unread());
}

TEST_F(CapturesTest, WaitsForDevicesAndNotForFiles) {
  add(5);
  add(-1);
  add(9);
  EXPECT_EQ(captures->descriptors(), (std::vector<int>{5, 9}));
}

TEST_F(CapturesTest, SaysWhichDeviceFailed) {
  const auto good = add(), bad = add();
  bad->at_end = Capture::State::failed;
  good->waiting.push_back(connection(Direction::in, "192.0.2.7"));
  EXPECT_FALSE(captures->read(now, [](const Passed&) {}));
  EXPECT_EQ(captures->error(), "pflog0: the interface is gone");
}

}  // namespace
}  // namespace deferd::bridge
