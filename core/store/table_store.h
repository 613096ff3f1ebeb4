// The shared tables over a Kv. Each change writes row, expiry index, count and feed entry in one batch.
//
// Writes take one lock: they are rare (a pass, an operator, an expiry) and it keeps the feed in commit order. find() takes none.
#pragma once
#include <map>
#include <mutex>
#include <string>

#include "deferd/tables.h"
#include "deferd/time.h"
#include "store/encoding.h"
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

  /// Ends what is over at `now`, a bounded number of rows a call; returns how many rows expired.
  Result<std::size_t> expire(Time now);
  Result<void> trim_feed(Time now, bool by_age);
  std::uint64_t rows(std::string_view table);

 private:
  /// One row on its way from what it was to what it will be.
  struct Edit {
    std::string_view table;
    Prefix prefix;
    Time now;
    StoredRow before, after;
    Batch batch;
  };
  Result<Edit> edit(std::string_view table, const Prefix& prefix, Time now);
  void tell(Edit& edit, TableCause cause, std::string_view source);
  void tell_if_over(Edit& edit);
  Result<void> save(Edit& edit);
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
