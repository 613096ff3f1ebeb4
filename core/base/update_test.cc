#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "deferd/store.h"

namespace deferd {
namespace {

/// One group in memory. Before each of the next `races` commits somebody else writes the key "raced".
class RacyStore final : public Store {
 public:
  Result<std::vector<Record>> read(std::string_view, std::span<const std::string_view> keys) override {
    ++reads;
    if (down) return fail(Errc::unavailable, "down");
    std::vector<Record> records;
    for (const auto key : keys) records.push_back(held[std::string(key)]);
    return records;
  }
  Result<void> commit(std::string_view, std::span<const Change> changes) override {
    ++commits;
    if (full) return fail(Errc::io, "disk full");
    if (races > 0) {
      --races;
      write("raced", "by somebody");
    }
    for (const auto& change : changes)
      if (change.expected && change.expected->digest != held[change.key].version.digest) return fail(Errc::conflict, "");
    for (const auto& change : changes) write(change.key, change.value);
    return {};
  }
  Result<ScanPage> scan(std::string_view, std::string_view, std::size_t) override { return ScanPage{}; }

  void write(const std::string& key, std::optional<std::string> value) { held[key] = {std::move(value), {}, {0, ++digests}}; }

  std::map<std::string, Record> held;
  std::uint64_t digests = 0;
  int races = 0, reads = 0, commits = 0;
  bool down = false, full = false;
};

constexpr std::string_view kKeys[] = {"raced", "other"};

std::vector<Change> append_x(std::span<const Record> records) { return {{"raced", records[0].value.value_or("") + "x", {}, {}}}; }

TEST(Update, WritesWhatWasDecided) {
  RacyStore store;
  ASSERT_TRUE(update(store, "group", kKeys, append_x));
  ASSERT_TRUE(update(store, "group", kKeys, append_x));
  EXPECT_EQ(store.held["raced"].value, "xx");
  EXPECT_EQ(store.commits, 2);
}

TEST(Update, DecidesAgainOnWhatSomebodyElseWrote) {
  RacyStore store;
  store.races = 3;
  ASSERT_TRUE(update(store, "group", kKeys, append_x));
  EXPECT_EQ(store.held["raced"].value, "by somebodyx");
  EXPECT_EQ(store.reads, 4);
}

TEST(Update, GivesUpAfterManyConflicts) {
  RacyStore store;
  store.races = 1000;
  const auto updated = update(store, "group", kKeys, append_x);
  ASSERT_FALSE(updated);
  EXPECT_EQ(updated.error().code, Errc::busy);
  EXPECT_EQ(store.commits, 64);
}

TEST(Update, WritesKeysThatWereNotReadWithoutCondition) {
  RacyStore store;
  store.write("unread", "old");
  ASSERT_TRUE(update(store, "group", kKeys, [](auto) { return std::vector<Change>{{"unread", "new", {}, {}}}; }));
  EXPECT_EQ(store.held["unread"].value, "new");
}

TEST(Update, CommitsNothingWhenNothingWasDecided) {
  RacyStore store;
  ASSERT_TRUE(update(store, "group", kKeys, [](auto) { return std::vector<Change>{}; }));
  EXPECT_EQ(store.commits, 0);
}

TEST(Update, PassesOtherErrorsOnAtOnce) {
  RacyStore store;
  store.full = true;
  auto updated = update(store, "group", kKeys, append_x);
  ASSERT_FALSE(updated);
  EXPECT_EQ(updated.error().code, Errc::io);
  EXPECT_EQ(store.commits, 1);

  store.down = true;
  updated = update(store, "group", kKeys, append_x);
  ASSERT_FALSE(updated);
  EXPECT_EQ(updated.error().code, Errc::unavailable);
  EXPECT_EQ(store.commits, 1);
}

}  // namespace
}  // namespace deferd
