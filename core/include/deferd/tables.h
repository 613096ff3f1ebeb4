// The shared, expiring tables of addresses and prefixes: "white" and "trapped". Every plugin sees the same rows.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/address.h"
#include "deferd/result.h"
#include "deferd/time.h"

namespace deferd {

inline constexpr std::string_view kWhite = "white";
inline constexpr std::string_view kTrapped = "trapped";

struct TableRow {
  Prefix prefix;
  Time added{};
  Time expires{};        ///< Time::max(): never.
  std::string source;    ///< Who put it there: a plugin's name, "operator".
  std::string evidence;  ///< Why, for people: "retry of a@example.org -> b@example.net after 7m".
  std::string note;      ///< An operator's own words.
  std::uint64_t reserved[2] = {};
};

/// What a look-up says of an address.
struct TableMatch {
  std::optional<TableRow> row;  ///< The narrowest row that holds now.
  Time revoked{};               ///< When a row covering the address was last erased (0: never, or long ago). What was
                                ///< learned of the client before this moment is worthless.
  std::uint64_t reserved[2] = {};
};

enum class TableCause : std::uint8_t { add, refresh, remove, expire };

struct TableEvent {
  std::string table;
  Prefix prefix;
  TableCause cause = TableCause::add;
  Time old_expires{};  ///< 0 on add.
  Time new_expires{};  ///< 0 on remove and expire.
  std::string source;
  std::uint64_t reserved[2] = {};
};

struct FeedPage {
  std::vector<TableEvent> events;
  std::string cursor;  ///< Position after these events; opaque.
};

struct TablePage {
  std::vector<TableRow> rows;
  std::string cursor;  ///< Give it to the next scan(); empty when done.
};

/// Thread-safe. Row, expiry index and feed entry change in one step. Errors of all: unavailable, io, corrupt.
class Tables {
 public:
  virtual ~Tables() = default;

  /// Cost does not grow with the table: one probe for each prefix length in use.
  virtual Result<TableMatch> find(std::string_view table, const Address& client) = 0;

  /// Adds a row or replaces the one of the same prefix. Replacing one whose expiry would move by less than an hour, with all else
  /// but `evidence` and `added` equal, writes nothing (unless the row has less than an hour left). Texts are cut at 1 KiB.
  virtual Result<void> put(std::string_view table, const TableRow& row) = 0;

  /// Moves the expiry of the row of exactly this prefix, if there is one, to a later time; writes at most once an hour a row
  /// (at any time when the row has less than an hour left).
  /// True if there is such a row.
  virtual Result<bool> refresh(std::string_view table, const Prefix& prefix, Time expires) = 0;

  /// Removes a row and remembers the moment (TableMatch::revoked) for 45 days, also if there was none. True if there was one.
  virtual Result<bool> erase(std::string_view table, const Prefix& prefix, std::string_view source) = 0;

  /// Rows of a table that hold now; unordered, may repeat rows that change meanwhile.
  virtual Result<TablePage> scan(std::string_view table, std::string_view cursor, std::size_t limit) = 0;

  /// Events after `cursor` (empty: after the oldest kept), in commit order. At least once. Errors also: cursor_too_old.
  virtual Result<FeedPage> feed(std::string_view cursor, std::size_t limit) = 0;

  /// The cursor after the newest event: take it, then scan(), then feed() from it: nothing is missed.
  virtual Result<std::string> feed_end() = 0;
};

}  // namespace deferd
