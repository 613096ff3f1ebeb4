// How much of what grows with time is kept.
#pragma once
#include <chrono>
#include <cstdint>

#include "deferd/schema.h"

namespace deferd {

/// Past decisions, for `deferctl explain ID` and `release ID`: `decisions:` of the configuration file.
struct DecisionLimits {
  std::uint64_t max = 200'000;
  std::chrono::seconds age = std::chrono::hours{24 * 7};
  static Schema<DecisionLimits> schema();
};

/// The change feed of the tables, for readers that were away.
struct FeedLimits {
  std::uint64_t max = 1'000'000;
  std::chrono::seconds age = std::chrono::hours{24 * 7};
};

}  // namespace deferd
