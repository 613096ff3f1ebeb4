// A storage engine: private key spaces for plugins, the shared tables, the decision records. Above it everything is written once.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/store.h"
#include "deferd/tables.h"
#include "deferd/time.h"

namespace deferd {

/// A past decision, kept for `deferctl explain ID` and `release ID`. Bounded in number and age; the last second may be lost at
/// kill -9.
struct DecisionRecord {
  std::string id;  ///< Decision::id.
  Time when{};
  std::string packed;  ///< As core/host writes it.
};

/// Thread-safe.
class Decisions {
 public:
  virtual ~Decisions() = default;
  virtual Result<void> append(std::span<const DecisionRecord> records) = 0;  ///< After an error the first of them may be kept.
  virtual Result<DecisionRecord> find(std::string_view id) = 0;              ///< Errors also: not_found.
  virtual Result<std::vector<DecisionRecord>> newest(std::size_t limit) = 0;
};

struct EngineStatus {
  std::string engine;                    ///< "rocksdb", "memory".
  std::string state;                     ///< "ok", or what is wrong now: "disk full: ...".
  std::uint64_t records = 0;             ///< Private records, estimated.
  std::uint64_t white = 0, trapped = 0;  ///< Rows, exact as of the last sweep or estimated.
  std::uint64_t bytes = 0;               ///< On disk.
  bool cleaning_held = false;            ///< The clock is implausibly ahead of the last persisted time.
};

/// Thread-safe.
class Engine {
 public:
  virtual ~Engine() = default;

  /// The key space of one plugin instance; may be called again for the same name. The Engine outlives what it returns.
  virtual std::unique_ptr<Store> open_space(std::string_view plugin) = 0;
  virtual Tables& tables() = 0;
  virtual Decisions& decisions() = 0;

  /// What `decide` makes of what there is of a row's prefix now (nothing, or a row that holds) and of the row; nullopt: leave it.
  /// Called within the tables' lock: it may not use them.
  using Decide = std::function<std::optional<TableRow>(const std::optional<TableRow>& there, const TableRow& row)>;
  /// Tables::put() of what is decided for each row, in their order, many in one write. Where it fails the first so many are
  /// written. Errors: as put().
  virtual Result<void> put_rows(std::string_view table, std::span<const TableRow> rows, const Decide& decide) = 0;
  /// The rows of exactly these prefixes as far as they hold now, in one reading. Errors: as find().
  virtual Result<std::vector<std::optional<TableRow>>> rows_at(std::string_view table, std::span<const Prefix> prefixes) = 0;

  /// Turns rows whose time is over into `expire` events (a bounded number a call), forgets old feed entries and decisions,
  /// persists the time. Called about once a second by one thread. Returns how many rows expired.
  virtual Result<std::size_t> sweep() = 0;

  /// A consistent copy into `directory` (made if missing; an older backup there is extended), while in use. Errors: io, invalid.
  virtual Result<void> backup(const std::string& directory) = 0;

  virtual EngineStatus status() = 0;
};

}  // namespace deferd
