// The engine that keeps all in memory: for tests, also of plugins elsewhere, and for trying deferd out. Needs the SDK only.
#pragma once
#include <memory>

#include "store/engine.h"
#include "store/limits.h"

namespace deferd {

/// The complete contract but backup() (invalid). `clock` outlives the engine.
std::unique_ptr<Engine> make_memory_engine(const Clock& clock, const DecisionLimits& decisions = {}, const FeedLimits& feed = {});

}  // namespace deferd
