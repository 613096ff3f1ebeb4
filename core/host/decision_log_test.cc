#include "host/decision_log.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "deferd/testing/fake_clock.h"
#include "deferd/testing/fake_log.h"
#include "host/decision_record.h"
#include "store/memory_engine.h"

namespace deferd {
namespace {

/// A store that, when told so, waits or fails as it is given decisions.
class ReluctantEngine : public Engine, public Decisions {
 public:
  explicit ReluctantEngine(const Clock& clock) : engine_(make_memory_engine(clock)) {}
  ~ReluctantEngine() override { let_go(); }

  void hold() { held_ = true; }
  bool is_held() { return waiting_.get_future().wait_for(std::chrono::seconds(60)) == std::future_status::ready; }
  void let_go() {
    if (held_.exchange(false)) go_on_.set_value();
  }
  void fail_once() { failing_ = true; }

  Result<void> append(std::span<const DecisionRecord> records) override {
    if (held_ && !std::exchange(asked_, true)) {
      waiting_.set_value();
      go_on_.get_future().wait();
    }
    if (failing_.exchange(false)) throw std::runtime_error("no room");
    return engine_->decisions().append(records);
  }
  Result<DecisionRecord> find(std::string_view id) override { return engine_->decisions().find(id); }
  Result<std::vector<DecisionRecord>> newest(std::size_t limit) override { return engine_->decisions().newest(limit); }
  Decisions& decisions() override { return *this; }

  std::unique_ptr<Store> open_space(std::string_view plugin) override { return engine_->open_space(plugin); }
  Tables& tables() override { return engine_->tables(); }
  Result<void> put_rows(std::string_view table, std::span<const TableRow> rows, const Decide& decide) override {
    return engine_->put_rows(table, rows, decide);
  }
  Result<std::vector<std::optional<TableRow>>> rows_at(std::string_view table, std::span<const Prefix> prefixes) override {
    return engine_->rows_at(table, prefixes);
  }
  Result<std::size_t> sweep() override { return engine_->sweep(); }
  Result<void> backup(const std::string& directory) override { return engine_->backup(directory); }
  EngineStatus status() override { return engine_->status(); }

 private:
  std::unique_ptr<Engine> engine_;
  std::atomic<bool> held_ = false, failing_ = false;
  bool asked_ = false;  // of the log's thread
  std::promise<void> waiting_, go_on_;
};

class DecisionLogTest : public ::testing::Test {
 protected:
  void TearDown() override { engine_.let_go(); }
  void write(const std::string& id, const std::string& reason = "because") {
    Session session;
    session.client = Address::v4(0xc0000207);
    session.auth = "someone";
    Decision decision;
    decision.id = id;
    decision.verdict.reason = reason;
    log_->write(session, decision);
  }
  bool is_on_record(const std::string& id) { return engine_.find(id).has_value(); }
  std::uint64_t left_out() const { return metrics_.value("deferd_decisions_unrecorded_total"); }

  FakeClock clock_;
  FakeLog lines_;
  Metrics metrics_;
  ReluctantEngine engine_{clock_};
  HostParts parts_{clock_, lines_, metrics_, engine_};
  std::optional<DecisionLog> log_{parts_};
};

TEST_F(DecisionLogTest, RecordsWhatPeopleAskFor) {
  write("1.1");
  log_->flush();
  const auto record = or_throw(engine_.find("1.1"));
  EXPECT_EQ(record.when, clock_.now());
  const auto past = or_throw(unpack_decision(record.packed));
  EXPECT_EQ(past.session.auth, "someone");
  EXPECT_EQ(past.decision.verdict.reason, "because");
}

TEST_F(DecisionLogTest, WritesWhatIsLeftAtItsEnd) {
  write("1.1");
  log_.reset();
  EXPECT_TRUE(is_on_record("1.1"));
}

TEST_F(DecisionLogTest, LeavesOutTheNewestWhenTheStoreIsSlow) {
  constexpr int kRoom = 20'000;
  engine_.hold();
  write("first");
  ASSERT_TRUE(engine_.is_held());
  for (int i = 0; i < kRoom + 3; ++i) write("2." + std::to_string(i));
  EXPECT_EQ(left_out(), 3u);
  engine_.let_go();
  log_->flush();
  EXPECT_TRUE(is_on_record("first"));
  EXPECT_TRUE(is_on_record("2." + std::to_string(kRoom - 1)));
  EXPECT_FALSE(is_on_record("2." + std::to_string(kRoom)));
  write("later");
  log_->flush();
  EXPECT_TRUE(is_on_record("later"));
}

TEST_F(DecisionLogTest, BoundsTheBytesThatWait) {
  engine_.hold();
  write("first");
  ASSERT_TRUE(engine_.is_held());
  const std::string long_reason(1 << 15, 'a');
  for (int i = 0; i < 600; ++i) write("2." + std::to_string(i), long_reason);
  EXPECT_EQ(left_out(), 600u - 511u) << "16 MiB are kept, and each is a little more than 32 KiB";
  engine_.let_go();
  log_->flush();
  EXPECT_TRUE(is_on_record("2.510"));
  EXPECT_FALSE(is_on_record("2.511"));
}

TEST_F(DecisionLogTest, CountsAndTellsOfWhatTheStoreFailedToTake) {
  engine_.fail_once();
  write("1.1");
  write("1.2");
  log_->flush();
  EXPECT_GE(left_out(), 1u);
  EXPECT_TRUE(lines_.contains("error decisions.failed what=no room"));
  write("1.3");
  log_->flush();
  EXPECT_TRUE(is_on_record("1.3"));
}

}  // namespace
}  // namespace deferd
