#include "store/memory_engine.h"

#include "store/kv_engine.h"
#include "store/memory_kv.h"

namespace deferd {

std::unique_ptr<Engine> make_memory_engine(const Clock& clock, const DecisionLimits& decisions, const FeedLimits& feed) {
  return or_throw(store::KvEngine::open(std::make_unique<store::MemoryKv>(), clock, nullptr, decisions, feed));
}

}  // namespace deferd
