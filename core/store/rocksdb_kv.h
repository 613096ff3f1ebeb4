// RocksDB as a Kv, without its headers: they cost seconds and stay in two translation units.
#pragma once
#include <chrono>
#include <memory>
#include <string>

#include "deferd/host.h"
#include "store/kv.h"

namespace deferd::store {

struct RocksKvOptions {
  std::string path;
  std::uint64_t cache = 64ULL << 20;
  std::chrono::milliseconds sync_interval{1000};
  Log* log = nullptr;                   ///< For RocksDB's own warnings.
  std::uint64_t memtable = 8ULL << 20;  ///< Of private records; with the log it bounds the time of a restart.
};

/// Errors: io (also: in use by another process), corrupt, invalid (newer format).
Result<std::unique_ptr<Kv>> open_rocksdb_kv(const RocksKvOptions& options);

}  // namespace deferd::store
