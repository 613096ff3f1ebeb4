// Bytes on disk: how keys and values of every family are written and read back. docs/decisions/0002-store-layout.md has the
// picture. Decoding takes any bytes: a damaged value is an error of kind corrupt, never more.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/result.h"
#include "deferd/tables.h"
#include "deferd/time.h"
#include "store/engine.h"

namespace deferd::store {

/// What this code writes and the newest it reads. Raise it with every change of layout, with a note in docs/decisions/.
inline constexpr std::uint64_t kFormat = 1;

// Numbers are big-endian, so that they sort; a text is its length in two bytes, then its bytes.
void put_u8(std::string& out, std::uint8_t value);
void put_u16(std::string& out, std::uint16_t value);
void put_u32(std::string& out, std::uint32_t value);
void put_u64(std::string& out, std::uint64_t value);
void put_time(std::string& out, Time time);  ///< Times before 1970 count as 1970.
void put_text(std::string& out, std::string_view text);
void put_prefix(std::string& out, const Prefix& prefix);

/// Reads from the front of bytes; after the first failure everything reads as zero and ok() is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  std::uint8_t u8();
  std::uint16_t u16();
  std::uint32_t u32();
  std::uint64_t u64();
  Time time();
  std::string_view bytes(std::size_t count);
  std::string_view text() { return bytes(u16()); }
  Prefix prefix();
  std::string_view rest() const { return rest_; }
  bool ok() const { return ok_; }
  bool done() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

/// The smallest text that sorts after every text starting with `prefix`.
std::string after_prefix(std::string prefix);

// Private records: <plugin><group><key><length of group, u16>; the value ends in its expiry, u64.
struct RecordKey {
  std::string_view group;
  std::string_view key;
};
std::string space_prefix(std::string_view plugin);
void put_record_key(std::string& out, std::string_view space, std::string_view group, std::string_view key);
Result<RecordKey> parse_record_key(std::string_view space, std::string_view bytes);
inline constexpr std::size_t kExpiryBytes = 8;
std::int64_t record_expires(std::string_view value);  ///< Seconds; of damaged bytes: never.

// Tables. 'r' rows, 'x' expiry index, 'f' feed, 'l' prefix lengths in use, 'n' numbers of rows, 'm' what is there once.
inline constexpr std::string_view kRowKeys = "r", kIndexKeys = "x", kFeedKeys = "f", kLengthKeys = "l", kCountKeys = "n";
inline constexpr std::string_view kFormatKey = "mformat", kTimeKey = "mtime", kFeedIdKey = "mfeed-id",
                                  kFeedTrimmedKey = "mfeed-trimmed";

/// How long the moment of an erasure is remembered.
inline constexpr auto kRevocationKept = std::chrono::hours{24 * 45};

/// What is known of one prefix in one table: a row, or only when it was last erased, or both.
struct StoredRow {
  std::optional<TableRow> row;
  Time written{};  ///< When `row` was last written; refreshes are counted from here.
  Time revoked{};  ///< 0: never.
};
std::string row_prefix(std::string_view table);
std::string row_key(std::string_view table, const Prefix& prefix);
struct RowKey {
  std::string_view table;
  Prefix prefix;
};
Result<RowKey> parse_row_key(std::string_view bytes);
std::string print_row(const StoredRow& stored);
Result<StoredRow> parse_row(const Prefix& prefix, std::string_view bytes);

/// The index has an entry for each time at which something of a row ends.
enum class Ends : std::uint8_t { row = 1, revocation = 2 };
struct IndexKey {
  Time when{};
  Ends what = Ends::row;
  std::string_view row_key;
};
std::string index_key(Time when, Ends what, std::string_view row_key);
Result<IndexKey> parse_index_key(std::string_view bytes);

/// The entries a row must have: at its end (none without end), and when its revocation is forgotten.
std::optional<std::string> index_of_row(const StoredRow& stored, std::string_view row_key);
std::optional<std::string> index_of_revocation(const StoredRow& stored, std::string_view row_key);

struct FeedEntry {
  Time when{};
  TableEvent event;
};
std::string feed_key(std::uint64_t sequence);
std::string print_event(Time when, const TableEvent& event);
Result<FeedEntry> parse_event(std::string_view bytes);

std::string length_key(std::string_view table, bool v4, int length);
std::string count_key(std::string_view table);

// Decisions, in chunks as they were appended. 'c' the chunk, 'h' the hashes of its ids, both under the number of its first.
inline constexpr std::string_view kChunkKeys = "c", kHashKeys = "h";
std::string chunk_key(std::string_view kind, std::uint64_t first);
std::uint32_t id_hash(std::string_view id);
std::string print_chunk(std::span<const DecisionRecord> records);
Result<std::vector<DecisionRecord>> parse_chunk(std::string_view bytes);

/// A lone number, as of the 'm' and 'n' keys.
std::string print_u64(std::uint64_t value);
Result<std::uint64_t> parse_u64(std::string_view bytes);

// Cursors are shown to others: hexadecimal, so that they survive every transport.
std::string to_hex(std::string_view bytes);
std::optional<std::string> from_hex(std::string_view text);

}  // namespace deferd::store
