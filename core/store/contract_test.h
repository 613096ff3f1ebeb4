// What every engine must do: one suite, run against each of them.
#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "deferd/testing/fake_clock.h"
#include "deferd/testing/fake_log.h"
#include "store/engine.h"
#include "store/limits.h"

namespace deferd::store {

using namespace std::chrono_literals;

/// A folder of its own for a test; gone afterwards.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// "memory" or "rocksdb".
class Contract : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { open(); }
  void open();
  bool keeps_state() const { return GetParam() != "memory"; }
  void reopen() {
    engine.reset();
    open();
  }

  std::unique_ptr<Store> space(std::string_view plugin = "greylist") { return engine->open_space(plugin); }
  Tables& tables() { return engine->tables(); }

  /// Reads a key that must be readable.
  static Record read(Store& store, std::string_view group, std::string_view key);
  void write(Store& store, std::string group, std::string key, std::string value, Duration life = 1h);

  TableRow row(std::string_view prefix, Duration life = 24h * 36, std::string source = "greylist");
  void put(std::string_view table, std::string_view prefix, Duration life = 24h * 36) {
    or_throw(tables().put(table, row(prefix, life)));
  }
  TableMatch find(std::string_view table, std::string_view address) {
    return or_throw(tables().find(table, or_throw(Address::parse(address))));
  }
  /// The prefix of the row found, or "none".
  std::string found(std::string_view table, std::string_view address);
  /// Events after `cursor` as "add white 192.0.2.7"; moves the cursor behind them.
  std::vector<std::string> events(std::string& cursor, std::size_t limit = 1'000);
  std::vector<std::string> rows(std::string_view table, std::size_t page = 1'000);

  FakeClock clock;
  FakeLog log;
  DecisionLimits decision_limits;
  FeedLimits feed_limits;
  TemporaryFolder folder;
  std::unique_ptr<Engine> engine;
};

/// Runs `work(i)` on `count` threads at once and waits for all.
void on_threads(int count, const std::function<void(int)>& work);

}  // namespace deferd::store
