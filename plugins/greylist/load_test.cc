// Under load and attack: floods, quotas, races, and what an attempt costs.
#include <thread>

#include "greylist_fixture.h"

namespace deferd::greylist {
namespace {

class LoadTest : public GreylistTest {};

// One pair tried from everywhere, so that an honest sender's record would be pushed out if there were a list of them.
TEST_F(LoadTest, AFloodOfOnePairPushesNoHonestIdentityOut) {
  Config config;
  config.max_wait = 0s;
  configure(config);
  attempt("192.0.2.7");
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    attempt(Address::v4(0x0B000000 + (i << 8)).to_string());
    if (i == 5'000) attempt("198.51.100.7");
  }
  after(5min);
  EXPECT_TRUE(passes("192.0.2.7"));
  EXPECT_TRUE(passes("198.51.100.7"));
}

TEST_F(LoadTest, ASourceOverItsQuotaIsDeferredAndNotStored) {
  Config config;
  config.quota = {10, 1};
  configure(config);
  for (int i = 0; i < 10; ++i) attempt("192.0.2.7", "a" + std::string(1, static_cast<char>('a' + i)) + "@example.org");
  const auto stored = records();
  const auto verdict = attempt("192.0.2.8", "one-more@example.org");
  EXPECT_EQ(verdict.action, Action::defer);
  EXPECT_EQ(verdict.reason, "too many new tuples from the client's network");
  EXPECT_EQ(records(), stored);
  EXPECT_EQ(answers("quota"), 1U);
}

TEST_F(LoadTest, QuotaLeavesKnownTuplesAlone) {
  Config config;
  config.quota = {1, 1};
  configure(config);
  attempt("192.0.2.7");
  after(1s);
  attempt("192.0.2.7", "flood@example.org");
  EXPECT_EQ(attempt("192.0.2.7").reason, "too early a retry, after 1s");
  after(5min - 1s);
  EXPECT_TRUE(passes("192.0.2.7"));
}

TEST_F(LoadTest, QuotaOutlivesAReload) {
  Config config;
  config.quota = {1, 1};
  configure(config);
  attempt("192.0.2.7");
  configure(config);
  EXPECT_EQ(attempt("192.0.2.7", "flood@example.org").reason, "too many new tuples from the client's network");
}

// Counts what an attempt asks of the store.
class CountingStore : public Store {
 public:
  explicit CountingStore(Store& base) : base_(base) {}
  Result<std::vector<Record>> read(std::string_view group, std::span<const std::string_view> keys) override {
    ++reads;
    return base_.read(group, keys);
  }
  Result<void> commit(std::string_view group, std::span<const Change> changes) override {
    ++commits;
    return base_.commit(group, changes);
  }
  Result<ScanPage> scan(std::string_view group, std::string_view cursor, std::size_t limit) override {
    return base_.scan(group, cursor, limit);
  }
  int reads = 0, commits = 0;

 private:
  Store& base_;
};
class CountingContext : public FakeContext {
 public:
  explicit CountingContext(FakeHost& host) : FakeContext(host), counting(host.store()) {}
  Store& store() override { return counting; }
  CountingStore counting;
};

TEST_F(LoadTest, AsksLittleOfTheStore) {
  const auto cost = [&] {
    CountingContext context(host);
    plugin->on_rcpt(context, kTo);
    return std::pair(context.counting.reads, context.counting.commits);
  };
  EXPECT_EQ(cost(), std::pair(3, 1)) << "a new tuple";
  after(1min);
  EXPECT_EQ(cost(), std::pair(3, 1)) << "too early a retry";
  after(4min);
  EXPECT_EQ(cost(), std::pair(2, 2)) << "a pass, and what it teaches of the sender";
  EXPECT_EQ(cost(), std::pair(1, 0)) << "a white client";
}

// Somebody else commits between our read and our commit.
class RacingStore : public CountingStore {
 public:
  RacingStore(Store& base, int races) : CountingStore(base), left_(races) {}
  Result<void> commit(std::string_view group, std::span<const Change> changes) override {
    ++commits;
    if (left_-- > 0) return fail(Errc::conflict, "changed meanwhile");
    return CountingStore::commit(group, changes);
  }

 private:
  int left_;
};
class RacingContext : public FakeContext {
 public:
  RacingContext(FakeHost& host, int races) : FakeContext(host), racing(host.store(), races) {}
  Store& store() override { return racing; }
  RacingStore racing;
};

TEST_F(LoadTest, ALostRaceIsRunAgainAndPaysItsQuotaOnce) {
  Config config;
  config.quota = {2, 1};
  configure(config);
  RacingContext context(host, 5);
  EXPECT_EQ(plugin->on_rcpt(context, kTo).action, Action::defer);
  EXPECT_EQ(answers("new"), 1U);
  EXPECT_EQ(attempt("192.0.2.7", "second@example.org").reason, "first try from 192.0.2.0/24");
  EXPECT_EQ(attempt("192.0.2.7", "third@example.org").reason, "too many new tuples from the client's network");
}

TEST_F(LoadTest, AFloodThatKeepsARecordBusyGetsNobodyIn) {
  RacingContext context(host, 1'000'000);
  EXPECT_EQ(plugin->on_rcpt(context, kTo).action, Action::defer);
}

TEST_F(LoadTest, TriesAtTheSameTimeAreAllCounted) {
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([this] {
        for (int n = 0; n < 50; ++n) {
          FakeContext context(host);
          EXPECT_EQ(plugin->on_rcpt(context, kTo).action, Action::defer);
        }
      });
  }
  EXPECT_EQ(command("list-grey", {})->at(0).find("tries")->integer(), 400);
}

}  // namespace
}  // namespace deferd::greylist
