// The contract of engine.h: decisions, and clocks that jump.
#include <gmock/gmock.h>

#include "store/contract_test.h"

namespace deferd::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DecisionContract : public Contract {
 protected:
  void append(int from, int to) {
    std::vector<DecisionRecord> records;
    for (int i = from; i < to; ++i)
      records.push_back({"7641df9771b4ed00." + std::to_string(i), clock.now(), "{\"n\":" + std::to_string(i) + "}"});
    or_throw(engine->decisions().append(records));
  }
  Result<DecisionRecord> find(int number) { return engine->decisions().find("7641df9771b4ed00." + std::to_string(number)); }
  std::vector<std::string> newest(std::size_t limit) {
    std::vector<std::string> jsons;
    for (const auto& record : or_throw(engine->decisions().newest(limit))) jsons.push_back(record.packed);
    return jsons;
  }
};

TEST_P(DecisionContract, FindsADecisionById) {
  append(0, 10);
  append(10, 11);
  const auto record = or_throw(find(10));
  EXPECT_EQ(record.id, "7641df9771b4ed00.10");
  EXPECT_EQ(record.when, clock.now());
  EXPECT_EQ(record.packed, "{\"n\":10}");
  EXPECT_EQ(or_throw(find(3)).packed, "{\"n\":3}");
  EXPECT_EQ(find(11).error().code, Errc::not_found);
}

TEST_P(DecisionContract, ShowsTheNewestFirst) {
  EXPECT_THAT(newest(5), IsEmpty());
  append(0, 3);
  append(3, 5);
  EXPECT_THAT(newest(4), ElementsAre("{\"n\":4}", "{\"n\":3}", "{\"n\":2}", "{\"n\":1}"));
  if (keeps_state()) reopen();
  append(5, 6);
  EXPECT_THAT(newest(2), ElementsAre("{\"n\":5}", "{\"n\":4}"));
}

TEST_P(DecisionContract, ForgetsTheOldestBeyondTheLimit) {
  decision_limits.max = 10;
  reopen();
  for (int i = 0; i < 30; i += 3) append(i, i + 3);
  or_throw(engine->sweep());
  EXPECT_FALSE(find(0));
  EXPECT_TRUE(find(20));
  EXPECT_EQ(newest(100).size(), 12U);  // whole chunks: at least the limit
}

TEST_P(DecisionContract, ForgetsTheOldByAge) {
  append(0, 3);
  clock.advance(decision_limits.age);
  append(3, 6);
  clock.advance(1s);
  or_throw(engine->sweep());
  EXPECT_THAT(newest(10), ElementsAre("{\"n\":5}", "{\"n\":4}", "{\"n\":3}"));
}

TEST_P(DecisionContract, FindsEachOfManyLongOnesKeptAtOnce) {
  const auto json = [](int number) {
    return "{\"n\":" + std::to_string(number) + ",\"text\":\"" + std::string(3'000, 'x') + "\"}";
  };
  std::vector<DecisionRecord> records;
  for (int i = 0; i < 100; ++i) records.push_back({"7641df9771b4ed00." + std::to_string(i), clock.now(), json(i)});
  or_throw(engine->decisions().append(records));
  for (const int number : {0, 21, 22, 50, 99}) EXPECT_EQ(or_throw(find(number)).packed, json(number));
  const auto latest = newest(100);
  ASSERT_EQ(latest.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(latest[static_cast<std::size_t>(i)], json(99 - i));
}

TEST_P(DecisionContract, ForgetsTheOldestOfManyKeptAtOnce) {
  decision_limits.max = 10;
  reopen();
  std::vector<DecisionRecord> records;
  for (int i = 0; i < 100; ++i)
    records.push_back({"7641df9771b4ed00." + std::to_string(i), clock.now(), "{\"text\":\"" + std::string(3'000, 'x') + "\"}"});
  or_throw(engine->decisions().append(records));
  or_throw(engine->sweep());
  EXPECT_FALSE(find(0));
  EXPECT_TRUE(find(90));
}

TEST_P(DecisionContract, TakesAppendsOfManyThreads) {
  on_threads(8, [&](int thread) {
    for (int i = 0; i < 50; ++i) append(thread * 1'000 + i, thread * 1'000 + i + 1);
  });
  EXPECT_EQ(newest(1'000).size(), 400U);
  EXPECT_TRUE(find(7'049));
}

INSTANTIATE_TEST_SUITE_P(Engines, DecisionContract, testing::Values("memory", "rocksdb"), [](const auto& p) { return p.param; });

class ClockContract : public Contract {};

TEST_P(ClockContract, DestroysNothingWhileTheClockIsFarAhead) {
  const Time right = clock.now();
  auto store = space();
  write(*store, "g", "k", "v", 8h);
  put(kWhite, "192.0.2.7");
  or_throw(engine->sweep());
  std::string cursor = or_throw(tables().feed_end());

  clock.set(right + 24h * 3650);
  EXPECT_EQ(or_throw(engine->sweep()), 0U);
  EXPECT_TRUE(engine->status().cleaning_held);
  EXPECT_EQ(found(kWhite, "192.0.2.7"), "none") << "reads go by the clock all the same";

  clock.set(right + 1min);
  EXPECT_EQ(or_throw(engine->sweep()), 0U);
  EXPECT_FALSE(engine->status().cleaning_held);
  EXPECT_EQ(found(kWhite, "192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(read(*store, "g", "k").value, "v");
  EXPECT_THAT(events(cursor), IsEmpty());
}

TEST_P(ClockContract, BelievesAClockThatRunsOnForAnHour) {
  put(kWhite, "192.0.2.7");
  or_throw(engine->sweep());
  clock.set(clock.now() + 24h * 40);
  EXPECT_EQ(or_throw(engine->sweep()), 0U);
  clock.advance(59min);
  EXPECT_EQ(or_throw(engine->sweep()), 0U);
  clock.advance(1min);
  EXPECT_EQ(or_throw(engine->sweep()), 1U);
  EXPECT_FALSE(engine->status().cleaning_held);
}

TEST_P(ClockContract, StartsTheHourAnewWhenTheClockJumpsAgain) {
  put(kWhite, "192.0.2.7");
  or_throw(engine->sweep());
  clock.set(clock.now() + 24h * 40);
  or_throw(engine->sweep());
  clock.advance(50min);
  clock.set(clock.now() + 24h);
  EXPECT_EQ(or_throw(engine->sweep()), 0U);
  clock.advance(50min);
  EXPECT_EQ(or_throw(engine->sweep()), 0U);
  clock.advance(10min);
  EXPECT_EQ(or_throw(engine->sweep()), 1U);
}

TEST_P(ClockContract, CleansAtOnceWhenTheTimeReallyWentBy) {
  put(kWhite, "192.0.2.7");
  or_throw(engine->sweep());
  clock.advance(24h * 40);
  EXPECT_EQ(or_throw(engine->sweep()), 1U);
}

TEST_P(ClockContract, GoesOnWhenTheClockIsSetBack) {
  auto store = space();
  const Time start = clock.now();
  put(kWhite, "192.0.2.7", 24h);
  or_throw(engine->sweep());
  clock.set(start - 24h * 365);
  EXPECT_EQ(or_throw(engine->sweep()), 0U);
  write(*store, "g", "k", "v", 1h);
  EXPECT_EQ(read(*store, "g", "k").value, "v");
  EXPECT_EQ(found(kWhite, "192.0.2.7"), "192.0.2.7");
  put(kWhite, "192.0.2.8", 1h);
  clock.advance(1h);
  EXPECT_EQ(or_throw(engine->sweep()), 1U);
  EXPECT_EQ(read(*store, "g", "k").value, std::nullopt);
}

/// For engines that keep their state across restarts.
class LastingClockContract : public ClockContract {};

TEST_P(LastingClockContract, HoldsAfterAStartWithTheClockFarAhead) {
  put(kWhite, "192.0.2.7");
  or_throw(engine->sweep());
  clock.set(clock.now() + 24h * 40);
  reopen();
  EXPECT_EQ(or_throw(engine->sweep()), 0U);
  EXPECT_TRUE(engine->status().cleaning_held);
  EXPECT_EQ(log.count("warning store.clock_ahead"), 1U);
  or_throw(engine->sweep());
  EXPECT_EQ(log.count("warning store.clock_ahead"), 1U);
  reopen();
  EXPECT_EQ(or_throw(engine->sweep()), 0U) << "a restart is no reason to believe it";
  clock.advance(1h);
  EXPECT_EQ(or_throw(engine->sweep()), 1U);
}

INSTANTIATE_TEST_SUITE_P(Engines, ClockContract, testing::Values("memory", "rocksdb"), [](const auto& p) { return p.param; });
INSTANTIATE_TEST_SUITE_P(Engines, LastingClockContract, testing::Values("rocksdb"), [](const auto& p) { return p.param; });

}  // namespace
}  // namespace deferd::store
