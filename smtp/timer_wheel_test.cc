#include "smtp/timer_wheel.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>
#include <vector>

namespace deferd::smtp {
namespace {

using namespace std::chrono_literals;

struct Alarm : Timed {
  int name = 0;
};

class TimerWheelTest : public ::testing::Test {
 protected:
  const SteadyTime start{1h};
  TimerWheel wheel{start};

  Alarm& set(int name, SteadyTime::duration in) {
    Alarm& alarm = alarms.emplace_back();
    alarm.name = name;
    wheel.set(alarm, start + in);
    return alarm;
  }
  std::vector<int> turn(SteadyTime::duration to) {
    std::vector<int> due;
    wheel.turn(start + to, [&](Timed& timed) { due.push_back(static_cast<Alarm&>(timed).name); });
    return due;
  }
  void TearDown() override {
    for (auto& alarm : alarms) wheel.cancel(alarm);
  }

  std::deque<Alarm> alarms;
};

using Due = std::vector<int>;

TEST_F(TimerWheelTest, IsNeverEarlyAndAtMostOneTickLate) {
  set(1, 1001ms);
  EXPECT_EQ(turn(1000ms), Due{});
  EXPECT_EQ(turn(1001ms), Due{});
  EXPECT_EQ(turn(1010ms), Due{1});
  EXPECT_TRUE(wheel.empty());
}

TEST_F(TimerWheelTest, CallsInOrderOfTime) {
  set(3, 30ms);
  set(1, 10ms);
  set(2, 20ms);
  EXPECT_EQ(turn(1s), (Due{1, 2, 3}));
}

TEST_F(TimerWheelTest, KeepsWhatIsForALaterTurn) {
  set(1, 10ms);
  set(2, 10ms + 10ms * 4096);
  set(3, 10ms + 10ms * 4096 * 2);
  EXPECT_EQ(turn(40s), Due{1});
  EXPECT_EQ(turn(41s), Due{2});
  EXPECT_EQ(turn(81s), Due{});
  EXPECT_EQ(turn(82s), Due{3});
}

TEST_F(TimerWheelTest, CatchesUpAfterAnHourWithoutATurn) {
  set(1, 10s);
  set(2, 50s);
  set(3, 30min);
  set(4, 2h);
  const auto due = turn(1h);
  EXPECT_EQ(due, (Due{1, 2, 3}));
  EXPECT_EQ(turn(2h), Due{4});
}

TEST_F(TimerWheelTest, TakesTheNextTickForWhatIsOverdue) {
  EXPECT_EQ(turn(5s), Due{});
  set(1, 1s);
  EXPECT_EQ(turn(5s), Due{});
  EXPECT_EQ(turn(5010ms), Due{1});
}

TEST_F(TimerWheelTest, MovesAndCancels) {
  auto& moved = set(1, 10ms);
  auto& cancelled = set(2, 10ms);
  EXPECT_EQ(wheel.size(), 2u);
  wheel.set(moved, start + 50ms);
  wheel.cancel(cancelled);
  wheel.cancel(cancelled);
  EXPECT_FALSE(cancelled.waiting());
  EXPECT_EQ(wheel.size(), 1u);
  EXPECT_EQ(turn(40ms), Due{});
  EXPECT_EQ(turn(50ms), Due{1});
}

TEST_F(TimerWheelTest, LetsWhoIsDueCancelAndSetOthersOfTheSameTick) {
  auto& first = set(1, 10ms);
  auto& second = set(2, 10ms);
  Due due;
  int again = 0;
  wheel.turn(start + 10ms, [&](Timed& timed) {
    due.push_back(static_cast<Alarm&>(timed).name);
    wheel.cancel(second);
    if (again++ == 0) wheel.set(first, start);
  });
  EXPECT_EQ(due, Due{1});
  EXPECT_EQ(turn(20ms), Due{1});
  EXPECT_TRUE(wheel.empty());
}

TEST_F(TimerWheelTest, TellsWhenToTurnItNext) {
  EXPECT_FALSE(wheel.next());
  set(1, 5s);
  EXPECT_EQ(wheel.next(), start + 5s);
  set(2, 3s);
  EXPECT_EQ(wheel.next(), start + 3s);
  EXPECT_EQ(turn(3s), Due{2});
  EXPECT_EQ(wheel.next(), start + 5s);
}

TEST_F(TimerWheelTest, NeverTellsATimeTooLateForWhatIsFarAway) {
  set(1, 10min);
  int turns = 0;
  SteadyTime last = start;
  while (!wheel.empty()) {
    const auto next = *wheel.next();
    ASSERT_GT(next, last);
    ASSERT_LE(next, start + 10min);
    last = next;
    turn(next - start);
    ASSERT_LT(++turns, 100);
  }
  EXPECT_EQ(last, start + 10min);
}

TEST_F(TimerWheelTest, AgreesWithASortedListWhateverIsDone) {
  std::mt19937 random(7);
  std::map<int, SteadyTime::duration> model;  // the tick by which each is due
  for (int name = 0; name < 200; ++name) alarms.emplace_back().name = name;
  SteadyTime::duration now{};
  for (int step = 0; step < 20'000; ++step) {
    Alarm& alarm = alarms[random() % alarms.size()];
    switch (random() % 4) {
      case 0:
        wheel.cancel(alarm);
        model.erase(alarm.name);
        break;
      case 1: {
        now += std::chrono::milliseconds(random() % (step % 100 == 0 ? 100'000 : 100));
        for (const int name : turn(now)) {
          ASSERT_TRUE(model.contains(name));
          ASSERT_LE(model[name], now);
          model.erase(name);
        }
        for (const auto& [name, when] : model) ASSERT_GT(when + TimerWheel::kTick, now) << name;
        break;
      }
      default: {
        const auto when = now + std::chrono::milliseconds(random() % 90'000 + 1);
        wheel.set(alarm, start + when);
        model[alarm.name] = when;
      }
    }
    ASSERT_EQ(wheel.size(), model.size());
  }
}

}  // namespace
}  // namespace deferd::smtp
