#include "smtp/rate_table.h"

#include <algorithm>
#include <functional>
#include <limits>

namespace deferd::smtp {

bool RateTable::take(const Prefix& prefix, SteadyTime now, int per_minute) {
  const auto who = std::max<std::uint64_t>(1, std::hash<Prefix>()(prefix));
  const auto set = (who * 0x9E3779B97F4A7C15u >> 32) % (places_.size() / kWays) * kWays;
  const double full = per_minute;
  const auto level = [&](const Bucket& bucket) {
    return std::min(full, bucket.level + std::chrono::duration<double>(now - bucket.when).count() * full / 60);
  };
  Bucket* place = nullptr;
  double fullest = -1;
  for (std::size_t way = 0; way < kWays; ++way) {
    Bucket& bucket = places_[set + way];
    if (bucket.who == who) {
      place = &bucket;
      break;
    }
    const double have = bucket.who == 0 ? std::numeric_limits<double>::max() : level(bucket);
    if (have > fullest) {
      fullest = have;
      place = &bucket;
    }
  }
  const double have = place->who == who ? level(*place) : full;
  const bool enough = have >= 1;
  *place = {who, now, enough ? have - 1 : have};
  return enough;
}

}  // namespace deferd::smtp
