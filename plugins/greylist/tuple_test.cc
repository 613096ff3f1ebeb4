#include "tuple.h"

#include <gtest/gtest.h>

#include <vector>

namespace deferd::greylist {
namespace {

using namespace std::chrono_literals;

constexpr Time kNow{Duration(1'000'000'000)};
constexpr Duration kDay = 24h;
const Address kClient = *Address::parse("192.0.2.7");
constexpr Times kTimes{5min, 8h, 36 * kDay, false};
constexpr Times kStrict{25min, 4h, 36 * kDay, true};

Tuple waiting(Time first) {
  Tuple tuple;
  tuple.first = tuple.last = first;
  tuple.tries = 1;
  tuple.client = kClient;
  return tuple;
}
Tuple passed(Time first, Time when) {
  Tuple tuple = waiting(first);
  tuple.last = tuple.passed = when;
  tuple.tries = 2;
  return tuple;
}
Tuple released(Tuple tuple) {
  tuple.released = true;
  return tuple;
}

struct Case {
  const char* what;
  std::optional<Tuple> known;
  Times times;
  Time revoked;
  // expected
  Ripeness ripeness;
  Time first, passed, expires;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.what; }

class TupleSteps : public ::testing::TestWithParam<Case> {};

TEST_P(TupleSteps, AsTheTableSays) {
  const auto& c = GetParam();
  const auto step = take_step(c.known, kNow, c.times, c.revoked, kClient);
  EXPECT_EQ(step.ripeness, c.ripeness) << c.what;
  EXPECT_EQ(step.tuple.first, c.first) << c.what;
  EXPECT_EQ(step.tuple.passed, c.passed) << c.what;
  EXPECT_EQ(step.expires, c.expires) << c.what;
  EXPECT_EQ(step.tuple.last, kNow) << c.what;
  EXPECT_EQ(step.tuple.client, kClient) << c.what;
  EXPECT_FALSE(step.tuple.released && c.ripeness >= Ripeness::passes) << c.what;
  const auto due = c.first + c.times.pass_time + (c.times.strict ? 1s : 0s);
  EXPECT_EQ(step.due, due) << c.what;
}

constexpr Time kNone{};
constexpr auto kFresh = Ripeness::fresh;
constexpr auto kEarly = Ripeness::early;
constexpr auto kPasses = Ripeness::passes;
constexpr auto kPassed = Ripeness::passed;
const Time kWhole = kNow + 36 * kDay;  // when a pass at kNow is forgotten

const std::vector<Case> kCases = {
    // the window
    {"nothing known", {}, kTimes, kNone, kFresh, kNow, kNone, kNow + 8h},
    {"the same second", waiting(kNow), kTimes, kNone, kEarly, kNow, kNone, kNow + 8h},
    {"a second later", waiting(kNow - 1s), kTimes, kNone, kEarly, kNow - 1s, kNone, kNow - 1s + 8h},
    {"a second before pass_time", waiting(kNow - 5min + 1s), kTimes, kNone, kEarly, kNow - 5min + 1s, kNone,
     kNow - 5min + 1s + 8h},
    {"at pass_time", waiting(kNow - 5min), kTimes, kNone, kPasses, kNow - 5min, kNow, kWhole},
    {"a second after pass_time", waiting(kNow - 5min - 1s), kTimes, kNone, kPasses, kNow - 5min - 1s, kNow, kWhole},
    {"the last second of the window", waiting(kNow - 8h + 1s), kTimes, kNone, kPasses, kNow - 8h + 1s, kNow, kWhole},
    {"the end of the window", waiting(kNow - 8h), kTimes, kNone, kFresh, kNow, kNone, kNow + 8h},
    {"long after the window", waiting(kNow - 30 * kDay), kTimes, kNone, kFresh, kNow, kNone, kNow + 8h},
    {"no pass_time, first try", {}, {0s, 8h, kDay, false}, kNone, kFresh, kNow, kNone, kNow + 8h},
    {"no pass_time, a retry at once", waiting(kNow), {0s, 8h, kDay, false}, kNone, kPasses, kNow, kNow, kNow + kDay},
    // after the pass
    {"passed just now", passed(kNow - 5min, kNow), kTimes, kNone, kPassed, kNow - 5min, kNow, kWhole},
    {"passed, outside of the grey window", passed(kNow - 2 * kDay, kNow - kDay), kTimes, kNone, kPassed, kNow - 2 * kDay, kNow,
     kWhole},
    {"the last second of white_expiry", passed(kNow - 37 * kDay, kNow - 36 * kDay + 1s), kTimes, kNone, kPassed, kNow - 37 * kDay,
     kNow, kWhole},
    {"the end of white_expiry", passed(kNow - 37 * kDay, kNow - 36 * kDay), kTimes, kNone, kFresh, kNow, kNone, kNow + 8h},
    {"a pass is no evidence beyond the memory of revocations",
     passed(kNow - 50 * kDay, kNow - 45 * kDay),
     {5min, 8h, 365 * kDay, false},
     kNone,
     kFresh,
     kNow,
     kNone,
     kNow + 8h},
    {"a pass within that memory",
     passed(kNow - 50 * kDay, kNow - 45 * kDay + 1s),
     {5min, 8h, 365 * kDay, false},
     kNone,
     kPassed,
     kNow - 50 * kDay,
     kNow,
     kNow + 45 * kDay},
    // revoked
    {"waits since before the revocation", waiting(kNow - 5min), kTimes, kNow - 5min + 1s, kFresh, kNow, kNone, kNow + 8h},
    {"waits since the second of the revocation", waiting(kNow - 5min), kTimes, kNow - 5min, kPasses, kNow - 5min, kNow, kWhole},
    {"waits since after the revocation", waiting(kNow - 5min), kTimes, kNow - 6min, kPasses, kNow - 5min, kNow, kWhole},
    {"passed before the revocation", passed(kNow - 1h, kNow - 30min), kTimes, kNow - 10min, kFresh, kNow, kNone, kNow + 8h},
    {"passed in the second of the revocation", passed(kNow - 1h, kNow - 30min), kTimes, kNow - 30min, kFresh, kNow, kNone,
     kNow + 8h},
    {"passed after the revocation", passed(kNow - 1h, kNow - 30min), kTimes, kNow - 31min, kPassed, kNow - 1h, kNow, kWhole},
    {"passed after, first seen before the revocation", passed(kNow - 3h, kNow - 1h), kTimes, kNow - 2h, kPassed, kNow - 3h, kNow,
     kWhole},
    {"passed and revoked this very second", passed(kNow - 1h, kNow), kTimes, kNow, kFresh, kNow, kNone, kNow + 8h},
    // the clock was set back
    {"first seen in the future", waiting(kNow + 1h), kTimes, kNone, kEarly, kNow, kNone, kNow + 8h},
    {"first seen a second ahead", waiting(kNow + 1s), kTimes, kNone, kEarly, kNow, kNone, kNow + 8h},
    {"first seen in the future, revoked in the past", waiting(kNow + 1h), kTimes, kNow - 1h, kEarly, kNow, kNone, kNow + 8h},
    {"a revocation in the future", waiting(kNow - 5min), kTimes, kNow + 1h, kPasses, kNow - 5min, kNow, kWhole},
    {"passed in the future", passed(kNow + 1h, kNow + 2h), kTimes, kNone, kPassed, kNow, kNow, kWhole},
    {"passed in the future, revoked in the past", passed(kNow - 1h, kNow + 2h), kTimes, kNow - 1min, kFresh, kNow, kNone,
     kNow + 8h},
    // released
    {"released", released(waiting(kNow)), kTimes, kNone, kPasses, kNow, kNow, kWhole},
    {"released, the window is over", released(waiting(kNow - 8h)), kTimes, kNone, kPasses, kNow, kNow, kWhole},
    {"released before the revocation", released(waiting(kNow - 2min)), kTimes, kNow - 1min, kFresh, kNow, kNone, kNow + 8h},
    {"released after the revocation", released(waiting(kNow - 2min)), kTimes, kNow - 3min, kPasses, kNow - 2min, kNow, kWhole},
    {"passed, revoked, then released", released(passed(kNow - 1min, kNow - 1h)), kTimes, kNow - 10min, kPasses, kNow, kNow,
     kWhole},
    // profile spamd: first + passtime < now, and nothing prolongs a record
    {"spamd: at passtime", waiting(kNow - 25min), kStrict, kNone, kEarly, kNow - 25min, kNone, kNow - 25min + 4h},
    {"spamd: a second after passtime", waiting(kNow - 25min - 1s), kStrict, kNone, kPasses, kNow - 25min - 1s, kNow,
     kNow - 25min - 1s + 4h},
    {"spamd: the last second", waiting(kNow - 4h + 1s), kStrict, kNone, kPasses, kNow - 4h + 1s, kNow, kNow + 1s},
    {"spamd: expired", waiting(kNow - 4h), kStrict, kNone, kFresh, kNow, kNone, kNow + 4h},
    {"spamd: passed", passed(kNow - 1h, kNow - 10min), kStrict, kNone, kPassed, kNow - 1h, kNow, kNow + 3h},
    {"spamd: passed, but the record is over", passed(kNow - 4h, kNow - 10min), kStrict, kNone, kFresh, kNow, kNone, kNow + 4h},
    {"spamd: passed, then revoked", passed(kNow - 1h, kNow - 10min), kStrict, kNow - 5min, kFresh, kNow, kNone, kNow + 4h},
    {"spamd: released", released(waiting(kNow - 1min)), kStrict, kNone, kPasses, kNow - 1min, kNow, kNow - 1min + 4h},
};
INSTANTIATE_TEST_SUITE_P(Tuple, TupleSteps, ::testing::ValuesIn(kCases));

TEST(Tuple, CountsTriesFromTheFirstOfItsWindow) {
  auto step = take_step({}, kNow, kTimes, kNone, kClient);
  EXPECT_EQ(step.tuple.tries, 1U);
  step = take_step(step.tuple, kNow + 1s, kTimes, kNone, kClient);
  EXPECT_EQ(step.tuple.tries, 2U);
  step = take_step(step.tuple, kNow + 8h, kTimes, kNone, kClient);
  EXPECT_EQ(step.tuple.tries, 1U);
}

TEST(Tuple, NeverCountsOver) {
  auto tuple = waiting(kNow);
  tuple.tries = 0xffffffff;
  EXPECT_EQ(take_step(tuple, kNow, kTimes, kNone, kClient).tuple.tries, 0xffffffffU);
}

// Whatever the times between tries: nobody passes before pass_time, everybody who tries within the window does, and the window
// does not move.
TEST(Tuple, EveryScheduleOfThreeTriesKeepsThePromise) {
  const Times times{3s, 7s, 100s, false};
  for (int second = 0; second <= 16; ++second)
    for (int third = second; third <= 16; ++third) {
      std::optional<Tuple> tuple;
      int first = 0;
      bool has_passed = false;
      for (const int at : {0, second, third}) {
        const auto step = take_step(tuple, kNow + Duration(at), times, kNone, kClient);
        if (!has_passed && at - first >= 7) first = at;
        const bool ripe = has_passed || at - first >= 3;
        EXPECT_EQ(step.ripeness >= Ripeness::passes, ripe) << "0, " << second << ", " << third << " at " << at;
        has_passed = ripe;
        tuple = step.tuple;
      }
    }
}

}  // namespace
}  // namespace deferd::greylist
