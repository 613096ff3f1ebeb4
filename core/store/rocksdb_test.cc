// What only an engine on disk can show: who may open it, damage, backups, space.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <random>
#include <thread>

#include "store/contract_test.h"
#include "store/encoding.h"
#include "store/rocksdb_engine.h"
#include "store/rocksdb_kv.h"

namespace deferd::store {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

namespace fs = std::filesystem;

class RocksDbTest : public testing::Test {
 protected:
  std::string path(std::string_view name = "db") const { return (folder.path() / name).string(); }
  Result<std::unique_ptr<Engine>> try_open(const std::string& at) {
    StoreConfig config;
    config.path = at;
    return open_rocksdb_engine(config, clock, log);
  }
  std::unique_ptr<Engine> open(const std::string& at) { return or_throw(try_open(at)); }
  std::unique_ptr<Engine> open() { return open(path()); }
  Error open_error() {
    auto opened = try_open(path());
    return opened ? Error{Errc::invalid, "it opened"} : opened.error();
  }

  void write(Engine& engine, const std::string& key, std::size_t size = 10) {
    std::string value(size, '\0');
    for (auto& byte : value) byte = static_cast<char>(random());  // nothing that compresses
    const Change change{key, std::move(value), clock.now() + 8h, std::nullopt};
    or_throw(engine.open_space("greylist")->commit("g", {&change, 1}));
  }
  Result<bool> has(Engine& engine, const std::string& key) {
    const std::string_view view = key;
    auto records = engine.open_space("greylist")->read("g", {&view, 1});
    if (!records) return tl::unexpected(records.error());
    return records->front().value.has_value();
  }
  void put(Engine& engine, std::string_view prefix) {
    TableRow row;
    row.prefix = or_throw(Prefix::parse(prefix));
    row.expires = clock.now() + 24h;
    or_throw(engine.tables().put(kWhite, row));
  }

  fs::path largest_table() const {
    fs::path largest;
    for (const auto& entry : fs::directory_iterator(path()))
      if (entry.path().extension() == ".sst" && (largest.empty() || entry.file_size() > fs::file_size(largest)))
        largest = entry.path();
    return largest;
  }
  static void damage(const fs::path& file, std::streamoff at) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(at);
    stream << "damaged by a test, damaged by a test";
  }

  FakeClock clock;
  FakeLog log;
  TemporaryFolder folder;
  std::minstd_rand random{1};
};

TEST_F(RocksDbTest, MakesItsFolderAndParentsForItselfAlone) {
  open(path("a/b/db"));
  for (auto made : {"a", "a/b", "a/b/db"}) {
    struct stat status {};
    ASSERT_EQ(stat(path(made).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0700U) << made;
  }
}

TEST_F(RocksDbTest, SaysWhichFolderCannotBeMade) {
  std::ofstream(path("file")) << "in the way";
  const auto opened = try_open(path("file/db"));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::io);
  EXPECT_THAT(opened.error().what, HasSubstr("cannot make the folder " + path("file")));
}

TEST_F(RocksDbTest, SaysThatAnotherProcessHoldsTheDatabase) {
  const auto holder = open();
  const auto error = open_error();
  EXPECT_EQ(error.code, Errc::io);
  EXPECT_THAT(error.what, HasSubstr(path() + " is in use by another process (is a deferd running on it?)"));
  EXPECT_THAT(check_rocksdb(path()).error().what, HasSubstr("in use by another process"));
  EXPECT_THAT(repair_rocksdb(path()).error().what, HasSubstr("in use by another process"));
}

TEST_F(RocksDbTest, RefusesANewerFormatNamingBoth) {
  open();
  {
    auto kv = or_throw(open_rocksdb_kv({path()}));
    Batch batch;
    batch.put(Family::tables, std::string(kFormatKey), print_u64(kFormat + 6));
    or_throw(kv->write(batch.writes()));
  }
  const auto error = open_error();
  EXPECT_EQ(error.code, Errc::invalid);
  EXPECT_THAT(error.what, HasSubstr("has format " + std::to_string(kFormat + 6)));
  EXPECT_THAT(error.what, HasSubstr("formats up to " + std::to_string(kFormat)));
  EXPECT_EQ(check_rocksdb(path()).error().code, Errc::invalid);
}

TEST_F(RocksDbTest, FindsNothingWrongWithAGoodDatabase) {
  {
    auto engine = open();
    write(*engine, "a");
    write(*engine, "b");
    put(*engine, "192.0.2.7");
    or_throw(engine->tables().erase(kWhite, or_throw(Prefix::parse("192.0.2.8")), "operator"));
    const DecisionRecord decision{"7641df9771b4ed00.1", clock.now(), "{}"};
    or_throw(engine->decisions().append({&decision, 1}));
  }
  const auto report = or_throw(check_rocksdb(path()));
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.records, 2U);
  EXPECT_EQ(report.rows, 1U);
  EXPECT_EQ(report.events, 1U);
  EXPECT_EQ(report.decisions, 1U);
}

TEST_F(RocksDbTest, FindsARowThatIsMissingInTheIndexAndRepairsIt) {
  {
    auto engine = open();
    put(*engine, "192.0.2.7");
  }
  {
    auto kv = or_throw(open_rocksdb_kv({path()}));
    const auto row = row_key(kWhite, or_throw(Prefix::parse("192.0.2.7")));
    Batch batch;
    batch.erase(Family::tables, index_key(clock.now() + 24h, Ends::row, row));
    batch.put(Family::tables, index_key(clock.now() + 48h, Ends::row, row), {});
    batch.put(Family::tables, row_key(kWhite, or_throw(Prefix::parse("192.0.2.8"))), "damaged");
    or_throw(kv->write(batch.writes()));
  }
  EXPECT_EQ(or_throw(check_rocksdb(path())).problems.size(), 3U);
  or_throw(repair_rocksdb(path()));
  EXPECT_THAT(or_throw(check_rocksdb(path())).problems, IsEmpty());
  clock.advance(24h);
  auto engine = open();
  EXPECT_EQ(engine->status().white, 1U);
  EXPECT_EQ(or_throw(engine->sweep()), 1U);
}

TEST_F(RocksDbTest, RefusesADatabaseWhoseManifestIsDamagedAndNamesTheRemedy) {
  {
    auto engine = open();
    write(*engine, "a");
  }
  std::ofstream(path() + "/CURRENT") << "no manifest at all\n";
  const auto error = open_error();
  EXPECT_EQ(error.code, Errc::corrupt);
  EXPECT_THAT(error.what, HasSubstr("deferd --check-store"));
  EXPECT_THAT(error.what, HasSubstr("deferd --repair-store"));
  EXPECT_FALSE(or_throw(check_rocksdb(path())).problems.empty());

  or_throw(repair_rocksdb(path()));
  EXPECT_TRUE(or_throw(has(*open(), "a")));
}

TEST_F(RocksDbTest, SavesTheRestOfADatabaseWithADamagedFile) {
  {
    auto engine = open();
    write(*engine, "small");
  }
  {
    auto engine = open();
    for (int i = 0; i < 200; ++i) write(*engine, "large" + std::to_string(i), 1'000);
  }
  damage(largest_table(), 100);
  {
    auto engine = open();
    EXPECT_EQ(has(*engine, "large0").error().code, Errc::corrupt);
    EXPECT_TRUE(or_throw(has(*engine, "small")));
  }
  EXPECT_THAT(or_throw(check_rocksdb(path())).problems, testing::Contains(HasSubstr("a file is damaged")));
  or_throw(repair_rocksdb(path()));
  EXPECT_THAT(or_throw(check_rocksdb(path())).problems, IsEmpty());
  EXPECT_TRUE(or_throw(has(*open(), "small")));
}

TEST_F(RocksDbTest, BacksUpWhileInUseAndRestores) {
  std::string cursor;
  {
    auto engine = open();
    put(*engine, "192.0.2.7");
    cursor = or_throw(engine->tables().feed_end());
    std::atomic<int> written = 0;
    std::atomic<bool> stop = false;
    std::thread writer([&] {
      while (!stop) {
        write(*engine, std::to_string(written.load()));
        ++written;
      }
    });
    while (written < 100) std::this_thread::yield();
    for (int i = 0; i < 2; ++i) {
      const int before = written;
      or_throw(engine->backup(path("backup")));
      const std::string restored = path("restored" + std::to_string(i));
      or_throw(restore_rocksdb(path("backup"), restored));
      auto copy = open(restored);
      for (int key = 0; key < before; ++key) EXPECT_TRUE(or_throw(has(*copy, std::to_string(key)))) << key;
      EXPECT_EQ(copy->status().white, 1U);
      EXPECT_EQ(copy->tables().feed(cursor, 1).error().code, Errc::cursor_too_old);
    }
    stop = true;
    writer.join();
  }
  EXPECT_THAT(or_throw(check_rocksdb(path("restored1"))).problems, IsEmpty());
}

TEST_F(RocksDbTest, RestoresOnlyIntoAnEmptyPlaceAndFromABackup) {
  or_throw(open()->backup(path("backup")));
  const auto onto = restore_rocksdb(path("backup"), path());
  ASSERT_FALSE(onto);
  EXPECT_EQ(onto.error().code, Errc::invalid);
  EXPECT_THAT(onto.error().what, HasSubstr("is not empty"));
  fs::create_directory(path("nothing"));
  EXPECT_EQ(restore_rocksdb(path("nothing"), path("new")).error().code, Errc::invalid);
  EXPECT_EQ(restore_rocksdb(path("missing"), path("new")).error().code, Errc::invalid);
  EXPECT_FALSE(fs::exists(path("new")));
}

class ExpiredRecords : public RocksDbTest {
 protected:
  static constexpr std::int64_t kExpires = 1'000'000;

  /// Records of one kind, more than a small memtable holds.
  void fill(Kv& kv, const std::string& kind, std::int64_t expires) {
    for (int i = 0; i < 1'000; ++i) {
      std::string key, value(300, static_cast<char>(random()));
      put_record_key(key, space_prefix("greylist"), kind, std::to_string(i));
      put_time(value, Time(Duration(expires)));
      const Write write{Family::records, key, value};
      or_throw(kv.write({&write, 1}));
    }
  }
  std::size_t count(Kv& kv, const std::string& kind) {
    std::size_t found = 0;
    const auto from = space_prefix("greylist") + kind;
    or_throw(kv.scan(Family::records, from, after_prefix(from), false, [&](auto, auto) {
      ++found;
      return true;
    }));
    return found;
  }
};

TEST_F(ExpiredRecords, GoWhenFilesAreMergedButNotWhileCleaningIsHeld) {
  RocksKvOptions options{path()};
  options.memtable = 64 << 10;
  auto kv = or_throw(open_rocksdb_kv(options));
  fill(*kv, "over", kExpires);
  for (int i = 0; i < 10; ++i) fill(*kv, "held", kExpires + 100);
  EXPECT_EQ(count(*kv, "over"), 1'000U);

  kv->expire_before(kExpires + 1);
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (count(*kv, "over") > 0 && std::chrono::steady_clock::now() < deadline) fill(*kv, "held", kExpires + 100);
  EXPECT_EQ(count(*kv, "over"), 0U);
  EXPECT_EQ(count(*kv, "held"), 1'000U);
}

}  // namespace
}  // namespace deferd::store
