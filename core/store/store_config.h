// `store:` of the configuration file.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

#include "deferd/schema.h"
#include "store/byte_size.h"
#include "store/limits.h"

namespace deferd {

struct StoreConfig {
  enum class Kind : std::uint8_t { rocksdb, memory };
  Kind engine = Kind::rocksdb;
  std::string path = "/var/lib/deferd/db";  ///< rocksdb only.
  ByteSize cache{64ULL << 20};              ///< rocksdb only: blocks, indexes and filters held in memory.
  std::chrono::milliseconds sync_interval{1000};
  DecisionLimits decisions;  ///< Not in schema(): a key of its own at the top of the file.
  FeedLimits feed;           ///< Not in schema(): for tests to make smaller.
  static Schema<StoreConfig> schema();
};

template <>
struct Choices<StoreConfig::Kind> {
  static constexpr std::pair<std::string_view, StoreConfig::Kind> values[] = {{"rocksdb", StoreConfig::Kind::rocksdb},
                                                                              {"memory", StoreConfig::Kind::memory}};
};

}  // namespace deferd
