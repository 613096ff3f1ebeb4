// An Engine over any Kv.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

#include "deferd/host.h"
#include "store/clock_guard.h"
#include "store/decision_store.h"
#include "store/engine.h"
#include "store/kv.h"
#include "store/limits.h"
#include "store/space.h"
#include "store/table_store.h"

namespace deferd::store {

class KvEngine : public Engine {
 public:
  /// `log` may be null. Errors: invalid (written by a newer format), io, corrupt.
  static Result<std::unique_ptr<KvEngine>> open(std::unique_ptr<Kv> kv, const Clock& clock, Log* log,
                                                const DecisionLimits& decisions, const FeedLimits& feed);
  ~KvEngine() override;

  std::unique_ptr<Store> open_space(std::string_view plugin) override;
  Tables& tables() override { return tables_; }
  Decisions& decisions() override { return decisions_; }
  Result<void> put_rows(std::string_view table, std::span<const TableRow> rows, const Decide& decide) override {
    return tables_.put_all(table, rows, decide);
  }
  Result<std::vector<std::optional<TableRow>>> rows_at(std::string_view table, std::span<const Prefix> prefixes) override {
    return tables_.rows_at(table, prefixes);
  }
  Result<std::size_t> sweep() override;
  Result<void> backup(const std::string& directory) override { return kv_->backup(directory); }
  EngineStatus status() override;

 private:
  KvEngine(std::unique_ptr<Kv> kv, const Clock& clock, Log* log, const DecisionLimits& decisions, const FeedLimits& feed);
  Result<void> load();
  void tend();
  Result<void> check_clock();
  Result<void> persist(Time now);

  std::unique_ptr<Kv> kv_;
  const Clock& clock_;
  Log* log_;
  Stripes stripes_;
  TableStore tables_;
  DecisionStore decisions_;
  std::mutex sweep_;
  std::optional<ClockGuard> guard_;
  std::optional<Time> persisted_;
  bool failed_ = false;  ///< As last logged.
  std::atomic<bool> held_ = false;
};

/// Errors: invalid (`format` was written by newer code; both numbers are named), corrupt.
Result<void> check_format(std::string_view format);

}  // namespace deferd::store
