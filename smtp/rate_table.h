// How often each network may do something: token buckets in a table that never grows.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "deferd/address.h"
#include "deferd/time.h"

namespace deferd::smtp {

/// Who was never heard of has a full bucket, so forgetting a full one loses nothing: where a place is needed, the fullest of four
/// goes. Used by one thread at a time.
class RateTable {
 public:
  explicit RateTable(std::size_t sets = 16'384) : places_(sets * kWays) {}  // 65,536 networks in 1.5 MiB

  /// One more of `prefix`, of which `per_minute` may come at once and so many come back each minute. False: it is one too many.
  bool take(const Prefix& prefix, SteadyTime now, int per_minute);

 private:
  static constexpr std::size_t kWays = 4;
  struct Bucket {
    std::uint64_t who = 0;  // a hash; 0 is a free place
    SteadyTime when{};      // `level` was right then
    double level = 0;
  };
  std::vector<Bucket> places_;
};

}  // namespace deferd::smtp
