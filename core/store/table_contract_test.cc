// The contract of deferd/tables.h.
#include <gmock/gmock.h>

#include <atomic>
#include <map>

#include "store/contract_test.h"

namespace deferd::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class TableContract : public Contract {};

TEST_P(TableContract, FindsTheRowOfAnAddress) {
  auto white = row("192.0.2.7");
  white.evidence = "retry after 7m";
  white.note = "ours";
  or_throw(tables().put(kWhite, white));
  const auto match = find(kWhite, "192.0.2.7");
  ASSERT_TRUE(match.row);
  EXPECT_EQ(match.row->prefix, white.prefix);
  EXPECT_EQ(match.row->added, white.added);
  EXPECT_EQ(match.row->expires, white.expires);
  EXPECT_EQ(match.row->source, "greylist");
  EXPECT_EQ(match.row->evidence, "retry after 7m");
  EXPECT_EQ(match.row->note, "ours");
  EXPECT_EQ(match.revoked, Time{});
  EXPECT_EQ(found(kWhite, "192.0.2.8"), "none");
  EXPECT_EQ(found(kTrapped, "192.0.2.7"), "none");
}

TEST_P(TableContract, FindsTheNarrowestRowOfBothFamilies) {
  for (auto prefix : {"0.0.0.0/0", "192.0.2.0/24", "192.0.2.7", "2001:db8::/32", "2001:db8:0:1::/64", "2001:db8:0:1::7"})
    put(kWhite, prefix);
  EXPECT_EQ(found(kWhite, "192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(found(kWhite, "192.0.2.8"), "192.0.2.0/24");
  EXPECT_EQ(found(kWhite, "198.51.100.1"), "0.0.0.0/0");
  EXPECT_EQ(found(kWhite, "2001:db8:0:1::7"), "2001:db8:0:1::7");
  EXPECT_EQ(found(kWhite, "2001:db8:0:1::8"), "2001:db8:0:1::/64");
  EXPECT_EQ(found(kWhite, "2001:db8::1"), "2001:db8::/32");
  EXPECT_EQ(found(kWhite, "2001:db9::1"), "none");
}

TEST_P(TableContract, FindsAWiderRowWhenTheNarrowOneIsOver) {
  put(kWhite, "192.0.2.0/24", 2h);
  put(kWhite, "192.0.2.7", 1h);
  clock.advance(1h);
  EXPECT_EQ(found(kWhite, "192.0.2.7"), "192.0.2.0/24");
  clock.advance(1h);
  EXPECT_EQ(found(kWhite, "192.0.2.7"), "none");
}

TEST_P(TableContract, TellsEachChangeInItsOrder) {
  std::string cursor = or_throw(tables().feed_end());
  put(kWhite, "192.0.2.7");
  put(kTrapped, "198.51.100.1", 24h);
  clock.advance(2h);
  or_throw(tables().refresh(kWhite, or_throw(Prefix::parse("192.0.2.7")), clock.now() + 24h * 36));
  or_throw(tables().erase(kWhite, or_throw(Prefix::parse("192.0.2.7")), "operator"));
  clock.advance(22h);
  EXPECT_EQ(or_throw(engine->sweep()), 1U);
  EXPECT_THAT(events(cursor), ElementsAre("add white 192.0.2.7", "add trapped 198.51.100.1", "refresh white 192.0.2.7",
                                          "remove white 192.0.2.7", "expire trapped 198.51.100.1"));
  EXPECT_THAT(events(cursor), IsEmpty());
}

std::optional<TableRow> always(const std::optional<TableRow>&, const TableRow& row) { return row; }

TEST_P(TableContract, PutsWhatIsDecidedOfWhatIsThere) {
  put(kWhite, "192.0.2.1", 1h);
  put(kWhite, "192.0.2.2", 5h);
  clock.advance(2h);
  const std::vector<TableRow> given = {row("192.0.2.1"), row("192.0.2.2"), row("192.0.2.2", 7h)};
  std::vector<std::string> seen;
  or_throw(engine->put_rows(kWhite, given, [&](const std::optional<TableRow>& there, const TableRow& one) {
    seen.push_back(there ? one.prefix.to_string() + " is there" : one.prefix.to_string());
    return there && seen.size() == 2 ? std::nullopt : std::optional(one);
  }));
  EXPECT_THAT(seen, ElementsAre("192.0.2.1", "192.0.2.2 is there", "192.0.2.2 is there")) << "what is over is not there";
  EXPECT_EQ(find(kWhite, "192.0.2.1").row->expires, given[0].expires);
  EXPECT_EQ(find(kWhite, "192.0.2.2").row->expires, given[2].expires);
}

TEST_P(TableContract, PutsManyRowsAsItPutsOne) {
  put(kWhite, "192.0.2.7", 1h);
  put(kWhite, "198.51.100.1", 1h);
  clock.advance(2h);
  put(kWhite, "198.51.100.2", 24h);
  std::string cursor = or_throw(tables().feed_end());
  std::vector<TableRow> many = {row("192.0.2.7"), row("198.51.100.2", 24h + 1min), row("2001:db8::/64"),
                                row("2001:db8::/64", 2h)};
  or_throw(engine->put_rows(kWhite, many, always));
  EXPECT_THAT(events(cursor), ElementsAre("expire white 192.0.2.7", "add white 192.0.2.7", "add white 2001:db8::/64",
                                          "refresh white 2001:db8::/64"));
  EXPECT_EQ(find(kWhite, "2001:db8::1").row->expires, clock.now() + 2h);
  EXPECT_EQ(find(kWhite, "198.51.100.2").row->expires, clock.now() + 24h) << "by less than an hour: not written";
  EXPECT_EQ(engine->status().white, 4U) << "with the one that is over and not yet swept";
  if (keeps_state()) reopen();
  EXPECT_EQ(engine->status().white, 4U);
  clock.advance(3h);
  EXPECT_EQ(or_throw(engine->sweep()), 2U);
  EXPECT_THAT(rows(kWhite), UnorderedElementsAre("192.0.2.7", "198.51.100.2"));
}

TEST_P(TableContract, PutsMoreRowsThanOneBatchHolds) {
  std::vector<TableRow> many;
  for (std::uint32_t i = 0; i < 2'345; ++i) {
    many.push_back(row("192.0.2.0"));
    many.back().prefix = Prefix(Address::v4(0x0a000000 + i));
  }
  std::string cursor = or_throw(tables().feed_end());
  or_throw(engine->put_rows(kWhite, many, always));
  or_throw(engine->put_rows(kWhite, {}, always));
  EXPECT_EQ(rows(kWhite).size(), many.size());
  EXPECT_EQ(engine->status().white, many.size());
  EXPECT_EQ(events(cursor, 10'000).size(), many.size());
  EXPECT_EQ(found(kWhite, "10.0.9.40"), "10.0.9.40");
  EXPECT_EQ(engine->put_rows("", many, always).error().code, Errc::invalid);
}

TEST_P(TableContract, ReadsRowsOfExactlyThesePrefixes) {
  put(kWhite, "192.0.2.0/24");
  put(kWhite, "192.0.2.0");
  put(kWhite, "2001:db8::7", 1h);
  clock.advance(2h);
  std::vector<Prefix> asked;
  for (auto prefix : {"192.0.2.0/24", "192.0.2.0/25", "192.0.2.0", "2001:db8::7"})
    asked.push_back(or_throw(Prefix::parse(prefix)));
  const auto there = or_throw(engine->rows_at(kWhite, asked));
  ASSERT_EQ(there.size(), 4U);
  EXPECT_EQ(there[0]->prefix, asked[0]);
  EXPECT_FALSE(there[1]);
  EXPECT_EQ(there[2]->prefix, asked[2]);
  EXPECT_FALSE(there[3]) << "it is over";
  EXPECT_TRUE(or_throw(engine->rows_at(kWhite, {})).empty());
}

TEST_P(TableContract, TellsOldAndNewExpiryAndSource) {
  const Time start = clock.now();
  const auto prefix = or_throw(Prefix::parse("192.0.2.7"));
  or_throw(tables().put(kWhite, row("192.0.2.7", 10h)));
  clock.advance(2h);
  or_throw(tables().refresh(kWhite, prefix, start + 12h));
  or_throw(tables().erase(kWhite, prefix, "operator"));
  const auto page = or_throw(tables().feed({}, 10));
  ASSERT_EQ(page.events.size(), 3U);
  EXPECT_EQ(page.events[0].old_expires, Time{});
  EXPECT_EQ(page.events[0].new_expires, start + 10h);
  EXPECT_EQ(page.events[0].source, "greylist");
  EXPECT_EQ(page.events[1].old_expires, start + 10h);
  EXPECT_EQ(page.events[1].new_expires, start + 12h);
  EXPECT_EQ(page.events[2].old_expires, start + 12h);
  EXPECT_EQ(page.events[2].new_expires, Time{});
  EXPECT_EQ(page.events[2].source, "operator");
}

TEST_P(TableContract, ResumesTheFeedWhereAReaderStopped) {
  for (int i = 0; i < 10; ++i) put(kWhite, "192.0.2." + std::to_string(i));
  std::string cursor;
  EXPECT_EQ(events(cursor, 3).size(), 3U);
  if (keeps_state()) reopen();
  EXPECT_THAT(events(cursor, 2), ElementsAre("add white 192.0.2.3", "add white 192.0.2.4"));
  put(kWhite, "198.51.100.1");
  EXPECT_EQ(events(cursor).size(), 6U);
  EXPECT_THAT(events(cursor), IsEmpty());
}

TEST_P(TableContract, TellsAReaderWhoWasAwayTooLong) {
  feed_limits.max = 10;
  reopen();
  std::string cursor;
  put(kWhite, "192.0.2.0");
  events(cursor);
  for (int i = 1; i <= 50; ++i) put(kWhite, "192.0.2." + std::to_string(i));
  or_throw(engine->sweep());
  EXPECT_EQ(tables().feed(cursor, 10).error().code, Errc::cursor_too_old);
  std::string from_oldest;
  EXPECT_EQ(events(from_oldest).front(), "add white 192.0.2.41");
  EXPECT_EQ(rows(kWhite).size(), 51U);
}

TEST_P(TableContract, ForgetsOldEventsByAge) {
  feed_limits.age = 24h;
  reopen();
  std::string cursor;
  put(kWhite, "192.0.2.1");
  events(cursor);
  put(kWhite, "192.0.2.2");
  clock.advance(25h);
  put(kWhite, "192.0.2.3");
  or_throw(engine->sweep());
  EXPECT_EQ(tables().feed(cursor, 10).error().code, Errc::cursor_too_old);
  std::string from_oldest;
  EXPECT_THAT(events(from_oldest), ElementsAre("add white 192.0.2.3"));
}

TEST_P(TableContract, AReaderAtTheEndIsNotTooOldWhenAllIsForgotten) {
  feed_limits.age = 24h;
  reopen();
  put(kWhite, "192.0.2.1");
  std::string cursor = or_throw(tables().feed_end());
  clock.advance(48h);
  or_throw(engine->sweep());
  EXPECT_THAT(events(cursor), IsEmpty());
  if (keeps_state()) reopen();
  EXPECT_THAT(events(cursor), IsEmpty());
  put(kWhite, "192.0.2.2");
  EXPECT_THAT(events(cursor), ElementsAre("add white 192.0.2.2"));
}

TEST_P(TableContract, RefusesCursorsOfAnotherDatabase) {
  put(kWhite, "192.0.2.1");
  const std::string cursor = or_throw(tables().feed_end());
  engine.reset();
  std::filesystem::remove_all(folder.path() / "db");
  open();
  EXPECT_EQ(tables().feed(cursor, 10).error().code, Errc::cursor_too_old);
  EXPECT_EQ(tables().feed("nonsense", 10).error().code, Errc::invalid);
}

TEST_P(TableContract, SnapshotAndFeedMissNothingUnderWrites) {
  constexpr int kWriters = 4, kEach = 100;
  std::atomic<int> running = kWriters;
  std::thread writers([&] {
    on_threads(kWriters, [&](int writer) {
      for (int i = 0; i < kEach; ++i) {
        const std::string address = "10." + std::to_string(writer) + ".0." + std::to_string(i);
        put(kWhite, address);
        if (i % 3 == 0) or_throw(tables().erase(kWhite, or_throw(Prefix::parse(address)), "operator"));
      }
      --running;
    });
  });
  std::string cursor = or_throw(tables().feed_end());
  std::map<std::string, bool> seen;
  for (const auto& prefix : rows(kWhite, 16)) seen[prefix] = true;
  for (bool last = false; !last;) {
    last = running == 0;
    for (const auto& event : events(cursor)) {
      const auto prefix = event.substr(event.rfind(' ') + 1);
      seen[prefix] = event.starts_with("add");
    }
  }
  writers.join();
  std::vector<std::string> expected;
  for (const auto& [prefix, there] : seen)
    if (there) expected.push_back(prefix);
  EXPECT_THAT(rows(kWhite), testing::UnorderedElementsAreArray(expected));
  EXPECT_EQ(engine->status().white, expected.size());
}

TEST_P(TableContract, ExpiresARowWithOneEvent) {
  put(kWhite, "192.0.2.7", 1h);
  std::string cursor = or_throw(tables().feed_end());
  clock.advance(59min);
  EXPECT_EQ(or_throw(engine->sweep()), 0U);
  clock.advance(1min);
  EXPECT_EQ(or_throw(engine->sweep()), 1U);
  EXPECT_EQ(or_throw(engine->sweep()), 0U);
  if (keeps_state()) reopen();
  EXPECT_EQ(or_throw(engine->sweep()), 0U);
  EXPECT_THAT(events(cursor), ElementsAre("expire white 192.0.2.7"));
  EXPECT_EQ(engine->status().white, 0U);
}

TEST_P(TableContract, ExpiresARowByItsNewTimeAfterARefresh) {
  put(kWhite, "192.0.2.7", 3h);
  clock.advance(2h);
  EXPECT_TRUE(or_throw(tables().refresh(kWhite, or_throw(Prefix::parse("192.0.2.7")), clock.now() + 3h)));
  clock.advance(2h);
  EXPECT_EQ(or_throw(engine->sweep()), 0U);
  EXPECT_EQ(found(kWhite, "192.0.2.7"), "192.0.2.7");
  clock.advance(1h);
  EXPECT_EQ(or_throw(engine->sweep()), 1U);
}

TEST_P(TableContract, EndsARowThatIsOverBeforeItComesAgain) {
  put(kWhite, "192.0.2.7", 1h);
  clock.advance(2h);
  put(kWhite, "192.0.2.7", 1h);
  std::string cursor;
  EXPECT_THAT(events(cursor), ElementsAre("add white 192.0.2.7", "expire white 192.0.2.7", "add white 192.0.2.7"));
  EXPECT_EQ(or_throw(engine->sweep()), 0U);
  EXPECT_EQ(engine->status().white, 1U);
}

TEST_P(TableContract, NeverExpiresARowWithoutEnd) {
  auto forever = row("192.0.2.7");
  forever.expires = Time::max();
  or_throw(tables().put(kWhite, forever));
  clock.advance(24h * 365 * 100);
  EXPECT_EQ(or_throw(engine->sweep()), 0U);
  EXPECT_EQ(find(kWhite, "192.0.2.7").row->expires, Time::max());
}

TEST_P(TableContract, SweepsALotInBoundedSteps) {
  for (int i = 0; i < 2'500; ++i) put(kWhite, "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250), 1h);
  clock.advance(1h);
  const auto first = or_throw(engine->sweep());
  EXPECT_LT(first, 2'500U);
  std::size_t all = first;
  for (int i = 0; i < 10; ++i) all += or_throw(engine->sweep());
  EXPECT_EQ(all, 2'500U);
}

TEST_P(TableContract, RefreshesAtMostOnceAnHour) {
  const auto prefix = or_throw(Prefix::parse("192.0.2.7"));
  put(kWhite, "192.0.2.7");
  std::string cursor = or_throw(tables().feed_end());
  for (int minutes = 0; minutes < 180; minutes += 10) {
    EXPECT_TRUE(or_throw(tables().refresh(kWhite, prefix, clock.now() + 24h * 36)));
    clock.advance(10min);
  }
  EXPECT_EQ(events(cursor).size(), 2U);
}

TEST_P(TableContract, RefreshesAtOnceARowThatIsAboutToEnd) {
  put(kWhite, "192.0.2.7", 30min);
  for (int i = 0; i < 10; ++i) {
    clock.advance(20min);
    EXPECT_TRUE(or_throw(tables().refresh(kWhite, or_throw(Prefix::parse("192.0.2.7")), clock.now() + 30min)));
  }
}

TEST_P(TableContract, NeverRefreshesToAnEarlierTimeNorWhatIsNotThere) {
  put(kWhite, "192.0.2.7", 24h);
  const auto expires = find(kWhite, "192.0.2.7").row->expires;
  clock.advance(2h);
  EXPECT_TRUE(or_throw(tables().refresh(kWhite, or_throw(Prefix::parse("192.0.2.7")), clock.now() + 1h)));
  EXPECT_EQ(find(kWhite, "192.0.2.7").row->expires, expires);
  EXPECT_FALSE(or_throw(tables().refresh(kWhite, or_throw(Prefix::parse("192.0.2.0/24")), clock.now() + 240h)));
  clock.advance(24h);
  EXPECT_FALSE(or_throw(tables().refresh(kWhite, or_throw(Prefix::parse("192.0.2.7")), clock.now() + 240h)));
}

TEST_P(TableContract, PutsNothingWhenLittleWouldChange) {
  put(kWhite, "192.0.2.7");
  std::string cursor = or_throw(tables().feed_end());
  clock.advance(59min);
  auto again = row("192.0.2.7");
  again.evidence = "another retry";
  or_throw(tables().put(kWhite, again));
  EXPECT_THAT(events(cursor), IsEmpty());
  clock.advance(1min);
  put(kWhite, "192.0.2.7");
  EXPECT_THAT(events(cursor), ElementsAre("refresh white 192.0.2.7"));
  auto noted = row("192.0.2.7");
  noted.note = "the operator's";
  or_throw(tables().put(kWhite, noted));
  EXPECT_THAT(events(cursor), ElementsAre("refresh white 192.0.2.7"));
  EXPECT_EQ(find(kWhite, "192.0.2.7").row->note, "the operator's");
}

TEST_P(TableContract, RemembersThatARowWasErased) {
  const auto prefix = or_throw(Prefix::parse("192.0.2.7"));
  put(kWhite, "192.0.2.7");
  clock.advance(1h);
  const Time erased = clock.now();
  EXPECT_TRUE(or_throw(tables().erase(kWhite, prefix, "operator")));
  EXPECT_FALSE(or_throw(tables().erase(kWhite, prefix, "operator")));
  EXPECT_EQ(found(kWhite, "192.0.2.7"), "none");
  EXPECT_EQ(find(kWhite, "192.0.2.7").revoked, erased);
  clock.advance(1h);
  put(kWhite, "192.0.2.7");
  EXPECT_EQ(found(kWhite, "192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(find(kWhite, "192.0.2.7").revoked, erased);
}

TEST_P(TableContract, RemembersAnErasureWhereNoRowWas) {
  EXPECT_FALSE(or_throw(tables().erase(kWhite, or_throw(Prefix::parse("192.0.2.0/24")), "operator")));
  EXPECT_EQ(find(kWhite, "192.0.2.7").revoked, clock.now());
  EXPECT_EQ(find(kWhite, "192.0.3.7").revoked, Time{});
  std::string cursor;
  EXPECT_THAT(events(cursor), IsEmpty());
}

TEST_P(TableContract, TellsTheLatestErasureOfAllCoveringPrefixes) {
  or_throw(tables().erase(kWhite, or_throw(Prefix::parse("192.0.2.7")), "operator"));
  clock.advance(1h);
  or_throw(tables().erase(kWhite, or_throw(Prefix::parse("192.0.0.0/16")), "operator"));
  EXPECT_EQ(find(kWhite, "192.0.2.7").revoked, clock.now());
}

TEST_P(TableContract, ForgetsAnErasureAfter45DaysWithoutAnEvent) {
  or_throw(tables().erase(kWhite, or_throw(Prefix::parse("192.0.2.7")), "operator"));
  clock.advance(24h * 45 - 1s);
  or_throw(engine->sweep());
  EXPECT_NE(find(kWhite, "192.0.2.7").revoked, Time{});
  clock.advance(1s);
  EXPECT_EQ(find(kWhite, "192.0.2.7").revoked, Time{});
  EXPECT_EQ(or_throw(engine->sweep()), 0U);
  clock.set(clock.now() - 24h);
  EXPECT_EQ(find(kWhite, "192.0.2.7").revoked, Time{});
  std::string cursor;
  EXPECT_THAT(events(cursor), IsEmpty());
}

TEST_P(TableContract, ScansATableInPages) {
  for (int i = 0; i < 100; ++i) put(kWhite, "10.0.0." + std::to_string(i));
  put(kTrapped, "198.51.100.1");
  put(kWhite, "2001:db8::/64");
  EXPECT_EQ(rows(kWhite, 7).size(), 101U);
  EXPECT_THAT(rows(kTrapped), ElementsAre("198.51.100.1"));
  EXPECT_THAT(rows("unknown"), IsEmpty());
  EXPECT_EQ(tables().scan(kWhite, "nonsense", 10).error().code, Errc::invalid);
}

TEST_P(TableContract, ScansOnlyRowsThatHoldNow) {
  put(kWhite, "192.0.2.1", 1h);
  put(kWhite, "192.0.2.2", 2h);
  or_throw(tables().erase(kWhite, or_throw(Prefix::parse("192.0.2.3")), "operator"));
  clock.advance(1h);
  EXPECT_THAT(rows(kWhite), ElementsAre("192.0.2.2"));
}

TEST_P(TableContract, CutsLongTextsAndRefusesTablesWithoutAName) {
  auto long_row = row("192.0.2.7");
  long_row.evidence.assign(100'000, 'e');
  or_throw(tables().put(kWhite, long_row));
  EXPECT_EQ(find(kWhite, "192.0.2.7").row->evidence.size(), 1'024U);
  EXPECT_EQ(tables().put("", row("192.0.2.7")).error().code, Errc::invalid);
}

/// For engines that keep their state across restarts.
class LastingTableContract : public TableContract {};

TEST_P(LastingTableContract, RemembersRowsAndLengthsAcrossARestart) {
  put(kWhite, "192.0.2.0/24");
  put(kWhite, "2001:db8::/48");
  or_throw(tables().erase(kWhite, or_throw(Prefix::parse("198.51.100.0/24")), "operator"));
  reopen();
  EXPECT_EQ(found(kWhite, "192.0.2.7"), "192.0.2.0/24");
  EXPECT_EQ(found(kWhite, "2001:db8::1"), "2001:db8::/48");
  EXPECT_EQ(find(kWhite, "198.51.100.1").revoked, clock.now());
  EXPECT_EQ(engine->status().white, 2U);
}

INSTANTIATE_TEST_SUITE_P(Engines, TableContract, testing::Values("memory", "rocksdb"), [](const auto& p) { return p.param; });
INSTANTIATE_TEST_SUITE_P(Engines, LastingTableContract, testing::Values("rocksdb"), [](const auto& p) { return p.param; });

}  // namespace
}  // namespace deferd::store
