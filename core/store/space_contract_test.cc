// The contract of deferd/store.h.
#include <gmock/gmock.h>

#include <atomic>
#include <set>

#include "store/contract_test.h"

namespace deferd::store {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

class SpaceContract : public Contract {
 protected:
  /// Adds one to the number at `key`, as plugins do.
  static Result<void> increment(Store& store, std::string_view group, std::string_view key, Time expires) {
    for (;;) {
      auto done = update(store, group, {&key, 1}, [&](std::span<const Record> records) {
        const int number = records[0].value ? std::stoi(*records[0].value) : 0;
        return std::vector<Change>{{std::string(key), std::to_string(number + 1), expires, std::nullopt}};
      });
      if (done || done.error().code != Errc::busy) return done;
    }
  }

  std::vector<std::string> scan(Store& store, std::string_view prefix, std::size_t limit) {
    std::vector<std::string> keys;
    std::string cursor;
    do {
      auto page = or_throw(store.scan(prefix, cursor, limit));
      for (const auto& record : page.records) keys.push_back(record.group + "/" + record.key + "=" + record.value);
      cursor = page.cursor;
    } while (!cursor.empty());
    return keys;
  }
};

TEST_P(SpaceContract, ReadsWhatWasCommitted) {
  auto store = space();
  write(*store, "pair", "client", "seen");
  const auto record = read(*store, "pair", "client");
  EXPECT_EQ(record.value, "seen");
  EXPECT_EQ(record.expires, clock.now() + 1h);
}

TEST_P(SpaceContract, ReadsRecordsInTheOrderAsked) {
  auto store = space();
  write(*store, "g", "a", "1");
  write(*store, "g", "b", "2");
  const std::string_view keys[] = {"b", "missing", "a"};
  const auto records = or_throw(store->read("g", keys));
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].value, "2");
  EXPECT_EQ(records[1].value, std::nullopt);
  EXPECT_EQ(records[2].value, "1");
}

TEST_P(SpaceContract, KeepsBytesAsTheyAre) {
  auto store = space();
  const std::string odd("\0\xff\n", 3);
  write(*store, odd, odd, odd);
  EXPECT_EQ(read(*store, odd, odd).value, odd);
  EXPECT_EQ(scan(*store, odd, 10), std::vector<std::string>{odd + "/" + odd + "=" + odd});
}

TEST_P(SpaceContract, KeepsGroupAndKeyApart) {
  auto store = space();
  write(*store, "ab", "c", "1");
  write(*store, "a", "bc", "2");
  EXPECT_EQ(read(*store, "ab", "c").value, "1");
  EXPECT_EQ(read(*store, "a", "bc").value, "2");
  EXPECT_THAT(scan(*store, "ab", 10), ElementsAre("ab/c=1"));
}

TEST_P(SpaceContract, TakesAnEmptyValueForAValue) {
  auto store = space();
  write(*store, "g", "k", "");
  EXPECT_EQ(read(*store, "g", "k").value, "");
}

TEST_P(SpaceContract, ErasesByAChangeWithoutValue) {
  auto store = space();
  write(*store, "g", "k", "v");
  const Change erase{"k", std::nullopt, {}, std::nullopt};
  or_throw(store->commit("g", {&erase, 1}));
  EXPECT_EQ(read(*store, "g", "k").value, std::nullopt);
}

TEST_P(SpaceContract, RefusesACommitUnderAnOldVersion) {
  auto store = space();
  write(*store, "g", "k", "old");
  const auto before = read(*store, "g", "k");
  write(*store, "g", "k", "new");
  const Change change{"k", "mine", clock.now() + 1h, before.version};
  const auto committed = store->commit("g", {&change, 1});
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().code, Errc::conflict);
  EXPECT_EQ(read(*store, "g", "k").value, "new");
}

TEST_P(SpaceContract, NoticesARecordThatCameWhereNoneWas) {
  auto store = space();
  const auto before = read(*store, "g", "k");
  write(*store, "g", "k", "theirs");
  const Change change{"k", "mine", clock.now() + 1h, before.version};
  EXPECT_EQ(store->commit("g", {&change, 1}).error().code, Errc::conflict);
}

TEST_P(SpaceContract, NoticesThatOnlyTheExpiryChanged) {
  auto store = space();
  write(*store, "g", "k", "v", 1h);
  const auto before = read(*store, "g", "k");
  write(*store, "g", "k", "v", 2h);
  const Change change{"k", "mine", clock.now() + 1h, before.version};
  EXPECT_EQ(store->commit("g", {&change, 1}).error().code, Errc::conflict);
}

TEST_P(SpaceContract, IsNotDisturbedByChangesOfOtherKeysInTheGroup) {
  auto store = space();
  write(*store, "g", "k", "old");
  const auto before = read(*store, "g", "k");
  write(*store, "g", "other", "x");
  const Change change{"k", "mine", clock.now() + 1h, before.version};
  EXPECT_TRUE(store->commit("g", {&change, 1}));
}

TEST_P(SpaceContract, TakesADefaultVersionForAbsent) {
  auto store = space();
  const Change create{"k", "v", clock.now() + 1h, Version{}};
  EXPECT_TRUE(store->commit("g", {&create, 1}));
  EXPECT_EQ(store->commit("g", {&create, 1}).error().code, Errc::conflict);
}

TEST_P(SpaceContract, WritesNothingOfACommitThatConflicts) {
  auto store = space();
  write(*store, "g", "b", "old");
  const auto before = read(*store, "g", "b");
  write(*store, "g", "b", "new");
  const Change changes[] = {{"a", "mine", clock.now() + 1h, std::nullopt}, {"b", "mine", clock.now() + 1h, before.version}};
  EXPECT_FALSE(store->commit("g", changes));
  EXPECT_EQ(read(*store, "g", "a").value, std::nullopt);
}

TEST_P(SpaceContract, LosesNoUpdateOf64ThreadsOnOneGroup) {
  constexpr int kThreads = 64, kRounds = 25;
  auto store = space();
  std::atomic<int> failed = 0;
  on_threads(kThreads, [&](int) {
    for (int i = 0; i < kRounds; ++i)
      if (!increment(*store, "pair", "count", clock.now() + 1h)) ++failed;
  });
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(read(*store, "pair", "count").value, std::to_string(kThreads * kRounds));
}

TEST_P(SpaceContract, ShowsAGroupOnlyAsOfOneMoment) {
  constexpr std::string_view kKeys[] = {"a", "b"};
  auto store = space();
  std::atomic<bool> stop = false;
  std::atomic<int> torn = 0;
  std::thread writer([&] {
    for (int i = 0; i < 2'000; ++i) {
      const std::string number = std::to_string(i);
      const Change changes[] = {{"a", number, clock.now() + 1h, std::nullopt}, {"b", number, clock.now() + 1h, std::nullopt}};
      or_throw(store->commit("g", changes));
    }
    stop = true;
  });
  on_threads(4, [&](int) {
    while (!stop) {
      const auto records = or_throw(store->read("g", kKeys));
      if (records[0].value != records[1].value) ++torn;
    }
  });
  writer.join();
  EXPECT_EQ(torn, 0);
}

TEST_P(SpaceContract, ReadsAnExpiredRecordAsAbsent) {
  auto store = space();
  write(*store, "g", "k", "v", 1h);
  clock.advance(59min + 59s);
  EXPECT_EQ(read(*store, "g", "k").value, "v");
  clock.advance(1s);
  EXPECT_EQ(read(*store, "g", "k").value, std::nullopt);
  EXPECT_TRUE(scan(*store, "", 10).empty());
}

TEST_P(SpaceContract, TakesAnExpiredRecordForAbsentWhenItCommits) {
  auto store = space();
  write(*store, "g", "k", "old", 1h);
  clock.advance(1h);
  const Change change{"k", "new", clock.now() + 1h, Version{}};
  EXPECT_TRUE(store->commit("g", {&change, 1}));
  EXPECT_EQ(read(*store, "g", "k").value, "new");
}

TEST_P(SpaceContract, KeepsWhatNeverExpires) {
  auto store = space();
  const Change change{"k", "v", Time::max(), std::nullopt};
  or_throw(store->commit("g", {&change, 1}));
  clock.advance(24h * 365 * 50);
  EXPECT_EQ(read(*store, "g", "k").expires, Time::max());
}

TEST_P(SpaceContract, ScansEveryRecordOnceWhenNothingChanges) {
  auto store = space();
  std::multiset<std::string> expected;
  for (int i = 0; i < 250; ++i) {
    write(*store, "group" + std::to_string(i % 10), std::to_string(i), "v");
    expected.insert("group" + std::to_string(i % 10) + "/" + std::to_string(i) + "=v");
  }
  write(*store, "elsewhere", "k", "v");
  const auto keys = scan(*store, "group", 7);
  EXPECT_EQ(std::multiset<std::string>(keys.begin(), keys.end()), expected);
}

TEST_P(SpaceContract, ScansWhatStaysWhileOtherRecordsComeAndGo) {
  auto store = space();
  for (int i = 0; i < 200; ++i) write(*store, "stays", std::to_string(i), "v");
  std::set<std::string> seen;
  std::string cursor;
  int round = 0;
  do {
    const auto page = or_throw(store->scan("", cursor, 10));
    for (const auto& record : page.records)
      if (record.group == "stays") seen.insert(record.key);
    cursor = page.cursor;
    const Change erase{std::to_string(round), std::nullopt, {}, std::nullopt};
    or_throw(store->commit("goes", {&erase, 1}));
    write(*store, "goes", std::to_string(++round), "v");
  } while (!cursor.empty());
  EXPECT_EQ(seen.size(), 200U);
}

TEST_P(SpaceContract, RefusesACursorThatIsNoneOfIts) {
  auto store = space();
  EXPECT_EQ(store->scan("", "nonsense", 10).error().code, Errc::invalid);
  EXPECT_EQ(store->scan("", "00ff", 10).error().code, Errc::invalid);
}

TEST_P(SpaceContract, KeepsPluginsApart) {
  auto greylist = space("greylist"), grey = space("grey"), rules = space("rules");
  write(*greylist, "g", "k", "mine");
  EXPECT_EQ(read(*rules, "g", "k").value, std::nullopt);
  EXPECT_EQ(read(*grey, "listg", "k").value, std::nullopt);
  EXPECT_TRUE(scan(*rules, "", 10).empty());
  EXPECT_TRUE(scan(*grey, "", 10).empty());
  EXPECT_THAT(scan(*space("greylist"), "", 10), ElementsAre("g/k=mine"));
}

TEST_P(SpaceContract, RefusesWhatIsTooLarge) {
  auto store = space();
  const std::string group(1'200, 'g'), key(1'200, 'k'), value(64 * 1024, 'v');
  write(*store, group, key, value);
  EXPECT_EQ(read(*store, group, key).value, value);

  const auto commit = [&](const std::string& g, const std::string& k, const std::string& v) {
    const Change change{k, v, clock.now() + 1h, std::nullopt};
    const auto done = store->commit(g, {&change, 1});
    return done ? std::nullopt : std::optional(done.error().code);
  };
  EXPECT_EQ(commit(group + "g", key, value), Errc::invalid);
  EXPECT_EQ(commit(group, key + "k", value), Errc::invalid);
  EXPECT_EQ(commit(group, key, value + "v"), Errc::invalid);
  const std::string long_key = key + "k";
  const std::string_view view = long_key;
  EXPECT_EQ(store->read(group, {&view, 1}).error().code, Errc::invalid);
}

/// For engines that keep their state across restarts.
class LastingSpaceContract : public SpaceContract {};

TEST_P(LastingSpaceContract, KeepsRecordsAcrossARestart) {
  write(*space(), "g", "k", "v");
  reopen();
  EXPECT_EQ(read(*space(), "g", "k").value, "v");
}

INSTANTIATE_TEST_SUITE_P(Engines, SpaceContract, testing::Values("memory", "rocksdb"), [](const auto& p) { return p.param; });
INSTANTIATE_TEST_SUITE_P(Engines, LastingSpaceContract, testing::Values("rocksdb"), [](const auto& p) { return p.param; });

}  // namespace
}  // namespace deferd::store
