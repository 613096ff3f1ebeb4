#include "store/rocksdb_engine.h"

#include "store/kv_engine.h"
#include "store/rocksdb_kv.h"

namespace deferd {

Result<std::unique_ptr<Engine>> open_rocksdb_engine(const StoreConfig& config, const Clock& clock, Log& log) {
  auto kv = store::open_rocksdb_kv({config.path, config.cache.bytes, config.sync_interval, &log});
  if (!kv) return tl::unexpected(kv.error());
  return store::KvEngine::open(std::move(*kv), clock, &log, config.decisions, config.feed);
}

}  // namespace deferd
