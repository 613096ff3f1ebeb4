#include "store/overlay.h"

#include <gmock/gmock.h>

#include "store/contract_test.h"
#include "store/memory_engine.h"

namespace deferd::store {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

class OverlayTest : public testing::Test {
 protected:
  static std::optional<std::string> read(Store& from, std::string_view group, std::string_view key) {
    return or_throw(from.read(group, {&key, 1})).front().value;
  }
  void write(Store& to, std::string_view group, std::string key, std::optional<std::string> value,
             std::optional<Version> expected = std::nullopt) {
    const Change change{std::move(key), std::move(value), clock.now() + 1h, expected};
    or_throw(to.commit(group, {&change, 1}));
  }
  static std::vector<std::string> scan(Store& from) {
    std::vector<std::string> keys;
    std::string cursor;
    do {
      const auto page = or_throw(from.scan("g", cursor, 2));
      for (const auto& record : page.records) keys.push_back(record.key + "=" + record.value);
      cursor = page.cursor;
    } while (!cursor.empty());
    return keys;
  }
  TableRow row(std::string_view prefix, Duration life = 24h) {
    TableRow row;
    row.prefix = or_throw(Prefix::parse(prefix));
    row.expires = clock.now() + life;
    return row;
  }
  static std::string found(Tables& tables, std::string_view address) {
    const auto match = or_throw(tables.find(kWhite, or_throw(Address::parse(address))));
    return match.row ? match.row->prefix.to_string() : "none";
  }

  FakeClock clock;
  std::unique_ptr<Engine> engine = make_memory_engine(clock);
  std::unique_ptr<Store> base = engine->open_space("greylist");
  OverlayStore store{*base, clock};
  OverlayTables tables{engine->tables(), clock};
};

TEST_F(OverlayTest, ShowsTheBaseUntilWrittenTo) {
  write(*base, "g", "a", "base");
  EXPECT_EQ(read(store, "g", "a"), "base");
  write(store, "g", "a", "mine");
  EXPECT_EQ(read(store, "g", "a"), "mine");
  EXPECT_EQ(read(*base, "g", "a"), "base");
}

TEST_F(OverlayTest, HidesWhatIsErasedAndWhatExpired) {
  write(*base, "g", "a", "base");
  write(store, "g", "a", std::nullopt);
  write(store, "g", "b", "mine");
  EXPECT_EQ(read(store, "g", "a"), std::nullopt);
  clock.advance(1h);
  EXPECT_EQ(read(store, "g", "b"), std::nullopt);
}

TEST_F(OverlayTest, ConflictsOnlyWithItsOwnWriters) {
  constexpr std::string_view kKey = "a";
  const auto fresh = or_throw(store.read("g", {&kKey, 1})).front().version;
  write(*base, "g", "a", "base moved on");
  write(store, "g", "a", "first", fresh);
  const Change again{"a", "second", clock.now() + 1h, fresh};
  EXPECT_EQ(store.commit("g", {&again, 1}).error().code, Errc::conflict);
  const auto written = or_throw(store.read("g", {&kKey, 1})).front().version;
  write(store, "g", "a", "second", written);
  EXPECT_EQ(read(store, "g", "a"), "second");
}

TEST_F(OverlayTest, ScansBothAsOne) {
  for (auto key : {"a", "b", "c", "d"}) write(*base, "g", key, "base");
  write(store, "g", "b", "mine");
  write(store, "g", "c", std::nullopt);
  write(store, "g", "e", "new");
  write(store, "other", "f", "new");
  EXPECT_THAT(scan(store), UnorderedElementsAre("a=base", "d=base", "b=mine", "e=new"));
}

TEST_F(OverlayTest, ForgetsItsOldestWritesBeyondItsCapacity) {
  OverlayStore small(*base, clock, 2);
  for (auto key : {"a", "b", "c"}) write(small, "g", key, "mine");
  EXPECT_EQ(read(small, "g", "a"), std::nullopt);
  EXPECT_EQ(read(small, "g", "b"), "mine");
  EXPECT_EQ(read(small, "g", "c"), "mine");
}

TEST_F(OverlayTest, AddsRowsThatTheBaseNeverSees) {
  or_throw(engine->tables().put(kWhite, row("192.0.2.0/24")));
  or_throw(tables.put(kWhite, row("192.0.2.7")));
  or_throw(tables.put(kWhite, row("198.51.100.0/24")));
  EXPECT_EQ(found(tables, "192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(found(tables, "192.0.2.8"), "192.0.2.0/24");
  EXPECT_EQ(found(tables, "198.51.100.1"), "198.51.100.0/24");
  EXPECT_EQ(found(engine->tables(), "192.0.2.7"), "192.0.2.0/24");
  EXPECT_EQ(found(engine->tables(), "198.51.100.1"), "none");
}

TEST_F(OverlayTest, ErasesRowsOnlyForItself) {
  const auto prefix = or_throw(Prefix::parse("192.0.2.7"));
  or_throw(engine->tables().put(kWhite, row("192.0.2.7")));
  EXPECT_TRUE(or_throw(tables.erase(kWhite, prefix, "operator")));
  EXPECT_FALSE(or_throw(tables.erase(kWhite, prefix, "operator")));
  EXPECT_EQ(found(tables, "192.0.2.7"), "none");
  EXPECT_EQ(or_throw(tables.find(kWhite, prefix.address())).revoked, clock.now());
  EXPECT_EQ(found(engine->tables(), "192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(or_throw(engine->tables().find(kWhite, prefix.address())).revoked, Time{});
}

TEST_F(OverlayTest, RefreshesARowOfTheBaseForItself) {
  const auto prefix = or_throw(Prefix::parse("192.0.2.7"));
  or_throw(engine->tables().put(kWhite, row("192.0.2.7", 2h)));
  EXPECT_TRUE(or_throw(tables.refresh(kWhite, prefix, clock.now() + 24h)));
  EXPECT_FALSE(or_throw(tables.refresh(kWhite, or_throw(Prefix::parse("192.0.2.8")), clock.now() + 24h)));
  clock.advance(3h);
  EXPECT_EQ(found(tables, "192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(found(engine->tables(), "192.0.2.7"), "none");
}

TEST_F(OverlayTest, ScansRowsOfBoth) {
  for (auto prefix : {"192.0.2.1", "192.0.2.2", "192.0.2.3"}) or_throw(engine->tables().put(kWhite, row(prefix)));
  or_throw(tables.put(kWhite, row("198.51.100.1")));
  or_throw(tables.erase(kWhite, or_throw(Prefix::parse("192.0.2.2")), "operator"));
  std::vector<std::string> prefixes;
  std::string cursor;
  do {
    const auto page = or_throw(tables.scan(kWhite, cursor, 1));
    for (const auto& one : page.rows) prefixes.push_back(one.prefix.to_string());
    cursor = page.cursor;
  } while (!cursor.empty());
  EXPECT_THAT(prefixes, UnorderedElementsAre("192.0.2.1", "192.0.2.3", "198.51.100.1"));
}

}  // namespace
}  // namespace deferd::store
