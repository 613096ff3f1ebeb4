// The default engine: RocksDB in a directory of its own, for one daemon on one host.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "deferd/host.h"
#include "store/engine.h"
#include "store/store_config.h"

namespace deferd {

/// Opens or makes the database at config.path (a missing folder is made, mode 0700). `clock` and `log` outlive the engine.
/// Errors: io (permission, in use by another process: the text says which), corrupt (with the remedy), invalid (written by a
/// newer format, with both numbers).
Result<std::unique_ptr<Engine>> open_rocksdb_engine(const StoreConfig& config, const Clock& clock, Log& log);

struct CheckReport {
  std::uint64_t records = 0;  ///< Private records read.
  std::uint64_t rows = 0;     ///< Of all tables.
  std::uint64_t events = 0;   ///< Of the change feed.
  std::uint64_t decisions = 0;
  std::vector<std::string> problems;  ///< For people, one a line; empty: all is well. At most 100.
};

/// Reads every file and every entry of the database, which no process may have open; changes nothing. Errors: io (cannot be
/// read at all, in use), invalid (newer format). Damage is no error but a problem in the report.
Result<CheckReport> check_rocksdb(const std::string& path);

/// Saves what can be saved of a damaged database in place: damaged files are set aside in `lost/`, undecodable rows and index
/// entries that lead nowhere are removed, missing index entries are made. Errors: io.
Result<void> repair_rocksdb(const std::string& path);

/// Makes a database at `path` from the newest backup in `backup_dir`. Errors: invalid (`path` is there and not empty, or there is
/// no backup), io, corrupt.
Result<void> restore_rocksdb(const std::string& backup_dir, const std::string& path);

}  // namespace deferd
