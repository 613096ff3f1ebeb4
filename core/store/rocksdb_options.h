// How deferd uses RocksDB: settings, statuses, opening. Included by the two translation units that see RocksDB's headers.
#pragma once
#include <rocksdb/compaction_filter.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/result.h"
#include "store/kv.h"
#include "store/rocksdb_kv.h"

namespace deferd::store {

inline rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

/// Names of the families in the database, by Family. The first is the one RocksDB always has.
inline constexpr std::array<const char*, kFamilies> kFamilyNames = {"default", "tables", "decisions"};

/// Drops private records that expired before a moment; 0: none. Used by compactions on several threads.
class DropExpired : public rocksdb::CompactionFilter {
 public:
  void before(std::int64_t cutoff) { cutoff_ = cutoff; }
  bool Filter(int level, const rocksdb::Slice& key, const rocksdb::Slice& value, std::string* new_value,
              bool* changed) const override;
  const char* Name() const override { return "deferd.expired"; }

 private:
  std::atomic<std::int64_t> cutoff_ = 0;
};

/// `log` may be null.
rocksdb::DBOptions database_options(Log* log);
/// `drop_expired` may be null.
std::vector<rocksdb::ColumnFamilyDescriptor> family_descriptors(const RocksKvOptions& options, const DropExpired* drop_expired);

/// What to tell of a status that is not ok, when the database is in use.
Error error_of(const rocksdb::Status& status);
/// The same when `path` could not be opened.
Error open_error(const std::string& path, const rocksdb::Status& status);

/// Makes a missing folder and its parents, mode 0700; checks that it can be written. Errors: io.
Result<void> prepare_folder(const std::string& path);

/// An open database and its families; closes in the right order.
struct OpenDb {
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;  ///< By Family; after them those we do not know.
  OpenDb() = default;
  OpenDb(OpenDb&&) = default;
  OpenDb& operator=(OpenDb&&) = default;
  ~OpenDb();
  rocksdb::ColumnFamilyHandle* of(Family family) const { return handles[static_cast<std::size_t>(family)]; }
};

/// Opens all families there are, also those of a newer format; refuses a newer format. Errors: io, corrupt, invalid.
Result<OpenDb> open_database(const std::string& path, rocksdb::DBOptions options,
                             std::vector<rocksdb::ColumnFamilyDescriptor> families, bool read_only);

}  // namespace deferd::store
