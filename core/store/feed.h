// The change feed of the tables: numbered entries in commit order, the oldest of them forgotten in time.
//
// A cursor names the feed (by a random number made with it) and the last number read. A database put back from a backup gets a
// new name: numbers after the backup were given out before, so old cursors must not fit.
#pragma once
#include <atomic>
#include <string>

#include "deferd/tables.h"
#include "store/kv.h"
#include "store/limits.h"

namespace deferd::store {

class Feed {
 public:
  /// Reads where the feed stands; gives it a name if it has none.
  static Result<void> open(Kv& kv, Feed& feed);

  // Called under the tables' lock.
  void append(Batch& batch, Time now, const TableEvent& event);
  void committed() { committed_ = next_ - 1; }  ///< What was appended is written.
  /// Removes the oldest entries beyond the limits, at most some thousands a call; by age only if `by_age`.
  Result<void> trim(Kv& kv, const FeedLimits& limits, Time now, bool by_age);

  // Called by any thread.
  Result<FeedPage> page(Kv& kv, std::string_view cursor, std::size_t limit) const;
  std::string end() const { return cursor(committed_); }

 private:
  std::string cursor(std::uint64_t sequence) const;

  std::uint64_t id_ = 0;
  std::atomic<std::uint64_t> next_ = 1;
  std::atomic<std::uint64_t> committed_ = 0;  ///< The newest that can be read.
  std::atomic<std::uint64_t> trimmed_ = 0;    ///< The newest that was removed.
};

/// Gives the feed of a database a new name: no cursor of before fits any more.
Result<void> rename_feed(Kv& kv);

}  // namespace deferd::store
