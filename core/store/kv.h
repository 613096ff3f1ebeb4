// What an engine needs of its storage: ordered bytes in three families, written in atomic batches. Spaces, tables, feed and
// decisions are written once above this; RocksDB and a map in memory stand below it.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/result.h"

namespace deferd::store {

enum class Family : std::uint8_t { records, tables, decisions };
inline constexpr std::size_t kFamilies = 3;

/// One change of a batch; a lent view, nothing is copied before it is written.
struct Write {
  Family family = Family::records;
  std::string_view key;
  std::optional<std::string_view> value;  ///< nullopt erases.
};

/// Changes that own their bytes, for callers that need not save a copy.
class Batch {
 public:
  void put(Family family, std::string key, std::string value) { owned_.push_back({family, std::move(key), std::move(value)}); }
  void erase(Family family, std::string key) { owned_.push_back({family, std::move(key), std::nullopt}); }
  bool empty() const { return owned_.empty(); }
  std::vector<Write> writes() const;

 private:
  struct Owned {
    Family family;
    std::string key;
    std::optional<std::string> value;
  };
  std::vector<Owned> owned_;
};

/// Return false to stop.
using Visit = std::function<bool(std::string_view key, std::string_view value)>;

/// Thread-safe. Errors of all: io, corrupt, unavailable.
class Kv {
 public:
  virtual ~Kv() = default;

  /// The values of `keys`, all from one moment, into `values` (resized to fit; nullopt: absent).
  virtual Result<void> get(Family family, std::span<const std::string_view> keys,
                           std::vector<std::optional<std::string>>& values) = 0;

  /// All or nothing. What it returned survives kill -9.
  virtual Result<void> write(std::span<const Write> writes) = 0;

  /// Shows every key in [from, to) as of one moment, in order or from the last to the first. `visit` must not call the Kv.
  virtual Result<void> scan(Family family, std::string_view from, std::string_view to, bool backwards, const Visit& visit) = 0;

  /// Private records that expired before `cutoff` (seconds since 1970; 0: none) may be removed from now on, at leisure.
  virtual void expire_before(std::int64_t cutoff) = 0;

  /// Called about once a second: tries to get out of a failed state.
  virtual void tend() = 0;

  virtual Result<void> backup(const std::string& directory) = 0;

  virtual std::string name() const = 0;   ///< "rocksdb".
  virtual std::string state() const = 0;  ///< "ok", or what is wrong.
  virtual std::uint64_t records() const = 0;
  virtual std::uint64_t bytes() const = 0;
};

/// Single key of get().
Result<std::optional<std::string>> get_one(Kv& kv, Family family, std::string_view key);

}  // namespace deferd::store
