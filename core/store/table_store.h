// The shared tables over a Kv. Each change writes row, expiry index, count and feed entry in one batch; many rows put at once
// share batches.
//
// Writes take one lock: they are rare (a pass, an operator, an expiry) and it keeps the feed in commit order. find() takes none.
#pragma once
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "deferd/tables.h"
#include "deferd/time.h"
#include "store/encoding.h"
#include "store/engine.h"
#include "store/feed.h"
#include "store/kv.h"
#include "store/lengths.h"

namespace deferd::store {

class TableStore : public Tables {
 public:
  TableStore(Kv& kv, const Clock& clock, const FeedLimits& feed_limits) : kv_(kv), clock_(clock), feed_limits_(feed_limits) {}
  Result<void> open();

  Result<TableMatch> find(std::string_view table, const Address& client) override;
  Result<void> put(std::string_view table, const TableRow& row) override;
  Result<bool> refresh(std::string_view table, const Prefix& prefix, Time expires) override;
  Result<bool> erase(std::string_view table, const Prefix& prefix, std::string_view source) override;
  Result<TablePage> scan(std::string_view table, std::string_view cursor, std::size_t limit) override;
  Result<FeedPage> feed(std::string_view cursor, std::size_t limit) override { return feed_.page(kv_, cursor, limit); }
  Result<std::string> feed_end() override { return feed_.end(); }

  /// See Engine.
  Result<void> put_all(std::string_view table, std::span<const TableRow> rows, const Engine::Decide& decide);
  Result<std::vector<std::optional<TableRow>>> rows_at(std::string_view table, std::span<const Prefix> prefixes);

  /// Ends what is over at `now`, a bounded number of rows a call; returns how many rows expired.
  Result<std::size_t> expire(Time now);
  Result<void> trim_feed(Time now, bool by_age);
  std::uint64_t rows(std::string_view table);

 private:
  /// One row on its way from what it was to what it will be.
  struct Edit {
    Prefix prefix;
    StoredRow before, after;
  };
  /// Edits of one table that are written together, none of them of the same row.
  struct Work {
    std::string_view table;
    Time now;
    std::string index_from;  ///< index_from_ once it is written.
    std::set<std::pair<bool, int>> lengths{};
    std::int64_t more_rows = 0;
    Batch batch{};
  };
  Work begin(std::string_view table, Time now) const { return {table, now, index_from_}; }
  Result<std::vector<StoredRow>> stored(std::string_view table, std::span<const Prefix> prefixes);
  Result<Edit> edit(std::string_view table, const Prefix& prefix);
  void tell(Work& work, const Edit& edit, TableCause cause, std::string_view source);
  void tell_if_over(Work& work, const Edit& edit);
  void replace(Work& work, Edit& edit, TableRow row);
  void stage(Work& work, const Edit& edit);
  Result<void> write(Work& work);
  Result<void> save(Work& work, const Edit& edit);
  Result<void> put_some(std::string_view table, std::span<const TableRow> rows, const Engine::Decide& decide);
  Result<bool> end(std::string_view index_entry, Time now);

  Kv& kv_;
  const Clock& clock_;
  const FeedLimits feed_limits_;
  LengthsInUse lengths_;
  Feed feed_;
  std::mutex mutex_;
  std::map<std::string, std::uint64_t, std::less<>> counts_;  ///< Rows, also those over but not yet swept.
  std::string index_from_;  ///< No index entry lies before this: what was removed there need not be skipped again.
};

}  // namespace deferd::store
