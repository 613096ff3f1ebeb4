#include "store/memory_kv.h"

#include <mutex>

#include "store/encoding.h"

namespace deferd::store {

Result<void> MemoryKv::get(Family family, std::span<const std::string_view> keys,
                           std::vector<std::optional<std::string>>& values) {
  values.assign(keys.size(), std::nullopt);
  std::shared_lock lock(mutex_);
  const Map& map = maps_[static_cast<std::size_t>(family)];
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (auto found = map.find(keys[i]); found != map.end()) values[i] = found->second;
  return {};
}

Result<void> MemoryKv::write(std::span<const Write> writes) {
  std::unique_lock lock(mutex_);
  for (const auto& write : writes) {
    Map& map = maps_[static_cast<std::size_t>(write.family)];
    if (write.value)
      map.insert_or_assign(std::string(write.key), std::string(*write.value));
    else if (auto found = map.find(write.key); found != map.end())
      map.erase(found);
  }
  return {};
}

Result<void> MemoryKv::scan(Family family, std::string_view from, std::string_view to, bool backwards, const Visit& visit) {
  std::shared_lock lock(mutex_);
  const Map& map = maps_[static_cast<std::size_t>(family)];
  const auto first = map.lower_bound(from);
  const auto last = map.lower_bound(to);
  if (from >= to) return {};
  if (backwards) {
    for (auto it = last; it != first;)
      if (--it; !visit(it->first, it->second)) break;
  } else {
    for (auto it = first; it != last && visit(it->first, it->second); ++it) {
    }
  }
  return {};
}

void MemoryKv::expire_before(std::int64_t cutoff) {
  constexpr int kSteps = 1000;
  if (cutoff <= 0) return;
  std::unique_lock lock(mutex_);
  Map& map = maps_[static_cast<std::size_t>(Family::records)];
  auto it = map.lower_bound(swept_to_);
  for (int i = 0; i < kSteps && it != map.end(); ++i) it = record_expires(it->second) < cutoff ? map.erase(it) : std::next(it);
  swept_to_ = it == map.end() ? std::string() : it->first;
}

Result<void> MemoryKv::backup(const std::string&) {
  return fail(Errc::invalid, "the memory engine keeps nothing on disk: there is nothing to back up");
}

std::uint64_t MemoryKv::records() const {
  std::shared_lock lock(mutex_);
  return maps_[static_cast<std::size_t>(Family::records)].size();
}

}  // namespace deferd::store
