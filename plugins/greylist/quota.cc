#include "quota.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "bytes.h"

namespace deferd::greylist {
namespace {

constexpr std::uint64_t kToken = 60'000;         // levels count what `per_minute: 1` brings in a millisecond
constexpr std::uint64_t kSiteCost = kToken / 8;  // of a /48: room for eight /64 with full buckets

std::uint64_t source_of(const Address& client, int length) {
  const Prefix prefix(client, length);
  const auto bytes = prefix.address().bytes();
  const auto hash = stable_hash({reinterpret_cast<const char*>(bytes.data()), bytes.size()}) + static_cast<unsigned>(length);
  return hash == 0 ? 1 : hash;
}

std::uint64_t level_now(std::uint64_t level, std::int64_t since, std::int64_t now, const QuotaLimits& limits) {
  const std::uint64_t full = limits.burst * kToken;
  const auto elapsed = static_cast<std::uint64_t>(std::max<std::int64_t>(0, now - since));
  if (limits.per_minute != 0 && elapsed >= full / limits.per_minute) return full;  // and no overflow below
  return std::min(full, level + elapsed * limits.per_minute);
}

}  // namespace

bool Quota::account(std::uint64_t source, std::uint64_t cost, Do what, SteadyTime now, const QuotaLimits& limits) {
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  auto& shard = (*shards_)[source % kShards];
  const auto set = std::span(shard.buckets).subspan(source / kShards % kSets * kWays, kWays);
  const std::lock_guard lock(shard.mutex);
  auto place = std::find_if(set.begin(), set.end(), [&](const Bucket& bucket) { return bucket.source == source; });
  std::uint64_t level = limits.burst * kToken;
  if (place != set.end()) {
    level = level_now(place->level, place->millis, millis, limits);
  } else {
    place = std::max_element(set.begin(), set.end(), [&](const Bucket& a, const Bucket& b) {
      if (a.source == 0 || b.source == 0) return a.source != 0 && b.source == 0;
      return level_now(a.level, a.millis, millis, limits) < level_now(b.level, b.millis, millis, limits);
    });
  }
  if (what != Do::give_back && level < cost) return false;
  if (what != Do::look) *place = {source, millis, what == Do::spend ? level - cost : level + cost};
  return true;
}

bool Quota::take(const Address& client, SteadyTime now, const QuotaLimits& limits) {
  if (limits.burst == 0) return true;
  if (client.is_v4()) return account(source_of(client, 24), kToken, Do::spend, now, limits);
  const auto site = source_of(client, 48);
  if (!account(site, kSiteCost, Do::spend, now, limits)) return false;
  if (account(source_of(client, 64), kToken, Do::spend, now, limits)) return true;
  account(site, kSiteCost, Do::give_back, now, limits);
  return false;
}

bool Quota::would_take(const Address& client, SteadyTime now, const QuotaLimits& limits) {
  if (limits.burst == 0) return true;
  if (client.is_v4()) return account(source_of(client, 24), kToken, Do::look, now, limits);
  return account(source_of(client, 48), kSiteCost, Do::look, now, limits) &&
         account(source_of(client, 64), kToken, Do::look, now, limits);
}

}  // namespace deferd::greylist
