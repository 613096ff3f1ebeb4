#include "store/store_config.h"

namespace deferd {

using namespace std::chrono_literals;

Schema<DecisionLimits> DecisionLimits::schema() {
  return Schema<DecisionLimits>{}
      .field("max", &DecisionLimits::max, 0U, 10'000'000U, "So many past decisions are kept, for `deferctl explain ID`.")
      .field("age", &DecisionLimits::age, 1min, 24h * 365, "Older decisions are forgotten.");
}

Schema<StoreConfig> StoreConfig::schema() {
  return Schema<StoreConfig>{}
      .field("engine", &StoreConfig::engine, "Where state is kept. `memory` forgets all at the end of the process.")
      .field("path", &StoreConfig::path, "The folder of the database; made if missing.")
      .field("cache", &StoreConfig::cache, ByteSize{8ULL << 20}, ByteSize{1ULL << 40},
             "Memory for blocks, indexes and filters of the database.")
      .field("sync_interval", &StoreConfig::sync_interval, 10ms, 60s,
             "What power loss may cost. The end of the process, however sudden, costs nothing.")
      .rule([](const StoreConfig& config) -> std::string {
        return config.engine == Kind::rocksdb && config.path.empty() ? "path must name a folder" : "";
      });
}

}  // namespace deferd
