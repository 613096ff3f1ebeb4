// How many new tuples a source may leave in the store: token buckets in memory, in a table that never grows.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <mutex>

#include "deferd/address.h"
#include "deferd/time.h"

namespace deferd::greylist {

struct QuotaLimits {
  std::uint32_t burst = 0;       ///< So many at once; 0 is no limit at all.
  std::uint32_t per_minute = 0;  ///< So many come back each minute.
};

/// Thread-safe. Sources are /24 (IPv4) and /64 (IPv6); for IPv6 also the /48 around it, which one site is given at once: it may
/// have eight times as much. A source never heard of has a full bucket, so forgetting a full one loses nothing: when a place in
/// the table is needed, the fullest of eight goes.
class Quota {
 public:
  Quota() : shards_(std::make_unique<std::array<Shard, kShards>>()) {}

  /// Takes from each of the client's buckets, or from none and false if one of them has too little.
  bool take(const Address& client, SteadyTime now, const QuotaLimits& limits);
  /// What take() would say.
  bool would_take(const Address& client, SteadyTime now, const QuotaLimits& limits);

 private:
  // 65,536 sources in 1.5 MiB.
  static constexpr std::size_t kShards = 64;
  static constexpr std::size_t kSets = 128;
  static constexpr std::size_t kWays = 8;

  struct Bucket {
    std::uint64_t source = 0;  // a hash; 0 is a free place
    std::int64_t millis = 0;   // Clock::steady when `level` was right
    std::uint64_t level = 0;   // see kToken
  };
  struct Shard {
    std::mutex mutex;
    std::array<Bucket, kSets * kWays> buckets;
  };

  enum class Do : std::uint8_t { look, spend, give_back };
  bool account(std::uint64_t source, std::uint64_t cost, Do what, SteadyTime now, const QuotaLimits& limits);

  std::unique_ptr<std::array<Shard, kShards>> shards_;
};

}  // namespace deferd::greylist
