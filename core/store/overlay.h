// Writes that stay in memory over a store or tables that stay as they are: for `explain`, `replay` and shadow mode.
#pragma once
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "deferd/store.h"
#include "deferd/tables.h"
#include "deferd/time.h"

namespace deferd {

/// Thread-safe. Keeps the newest `capacity` records written; a write beyond that forgets the oldest, and the base shows through.
class OverlayStore : public Store {
 public:
  static constexpr std::size_t kCapacity = 100'000;
  OverlayStore(Store& base, const Clock& clock, std::size_t capacity = kCapacity)
      : base_(base), clock_(clock), capacity_(capacity) {}

  Result<std::vector<Record>> read(std::string_view group, std::span<const std::string_view> keys) override;
  /// Conflicts only with writes to this overlay: the base may change underneath, nothing is ever written to it.
  Result<void> commit(std::string_view group, std::span<const Change> changes) override;
  Result<ScanPage> scan(std::string_view group_prefix, std::string_view cursor, std::size_t limit) override;

 private:
  struct Written {
    std::optional<std::string> value;
    Time expires{};
    std::uint64_t number = 0;
  };
  using Key = std::pair<std::string, std::string>;
  Record record_of(const Written& written) const;

  Store& base_;
  const Clock& clock_;
  const std::size_t capacity_;
  std::mutex mutex_;
  std::map<Key, Written> written_;
  std::deque<std::pair<Key, std::uint64_t>> order_;
  std::uint64_t next_ = 1;
};

/// Thread-safe. Keeps about kCapacity changed rows a table; beyond that some are forgotten, and the base shows through. A wider
/// row of the base that stands behind one erased here is not seen; feed() is the base's.
class OverlayTables : public Tables {
 public:
  static constexpr std::size_t kCapacity = 100'000;
  OverlayTables(Tables& base, const Clock& clock) : base_(base), clock_(clock) {}

  Result<TableMatch> find(std::string_view table, const Address& client) override;
  Result<void> put(std::string_view table, const TableRow& row) override;
  Result<bool> refresh(std::string_view table, const Prefix& prefix, Time expires) override;
  Result<bool> erase(std::string_view table, const Prefix& prefix, std::string_view source) override;
  Result<TablePage> scan(std::string_view table, std::string_view cursor, std::size_t limit) override;
  Result<FeedPage> feed(std::string_view cursor, std::size_t limit) override { return base_.feed(cursor, limit); }
  Result<std::string> feed_end() override { return base_.feed_end(); }

 private:
  struct Changed {
    std::optional<TableRow> row;  ///< None: erased.
    Time revoked{};
  };
  Result<std::optional<TableRow>> current(std::string_view table, const Prefix& prefix);
  void change(std::string_view table, const Prefix& prefix, std::optional<TableRow> row, std::optional<Time> revoked);

  Tables& base_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, std::map<Prefix, Changed>, std::less<>> changed_;
};

}  // namespace deferd
