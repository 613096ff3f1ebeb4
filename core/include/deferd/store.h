// A plugin's own records. The contract holds for every engine (RocksDB, memory, later Redis).
//
// Records live in groups. All keys of one group are read and committed as one step; nothing is atomic across groups, so effects
// across groups are ordered and idempotent (first the tuple, then the white row). Keys of other plugins cannot be seen.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/result.h"
#include "deferd/time.h"

namespace deferd {

/// What a key held when it was read. Opaque; compare only through commit().
struct Version {
  std::uint64_t epoch = 0;
  std::uint64_t digest = 0;
};

struct Record {
  std::optional<std::string> value;  ///< Absent, or expired by the injected clock.
  Time expires{};
  Version version;
};

struct Change {
  std::string key;
  std::optional<std::string> value;  ///< nullopt erases.
  Time expires{};                    ///< Absolute. From then on the record reads as absent; it is cleaned up later.
  std::optional<Version> expected;   ///< If given, the commit fails with `conflict` unless the key still holds that version.
};

struct ScannedRecord {
  std::string group;
  std::string key;
  std::string value;
  Time expires{};
};

struct ScanPage {
  std::vector<ScannedRecord> records;
  std::string cursor;  ///< Give it to the next scan(); empty when done.
};

/// Thread-safe. Sizes: group up to 1,200 bytes, key up to 1,200 bytes, value up to 64 KiB; beyond: invalid.
/// Durability: what commit() returned survives kill -9 at once; power loss costs at most the engine's sync_interval.
class Store {
 public:
  virtual ~Store() = default;

  /// The records of `keys` in `group`, in the order asked, all from one moment. Errors: unavailable, io, corrupt.
  virtual Result<std::vector<Record>> read(std::string_view group, std::span<const std::string_view> keys) = 0;

  /// Applies all changes or none. Errors: conflict (an expected version is gone), unavailable, io (disk full), invalid.
  virtual Result<void> commit(std::string_view group, std::span<const Change> changes) = 0;

  /// A page of everything whose group starts with `group_prefix`. Unordered; may repeat records that change meanwhile; never
  /// misses one that stays; a page may be empty before the end. `cursor` empty starts. Errors: unavailable, io, corrupt, invalid
  /// (no cursor of ours).
  virtual Result<ScanPage> scan(std::string_view group_prefix, std::string_view cursor, std::size_t limit) = 0;
};

/// Reads `keys`, lets `decide` compute the changes, commits them under the versions read, and does it again after a conflict (at
/// most 64 times, then busy). `decide` may run more than once, so it should only compute; it fills in key, value, expires.
using Decide = std::function<std::vector<Change>(std::span<const Record> records)>;
Result<void> update(Store& store, std::string_view group, std::span<const std::string_view> keys, const Decide& decide);

}  // namespace deferd
