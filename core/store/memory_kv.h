// A Kv in memory: sorted maps behind one lock. For tests, and for trying things out.
#pragma once
#include <map>
#include <shared_mutex>

#include "store/kv.h"

namespace deferd::store {

class MemoryKv : public Kv {
 public:
  Result<void> get(Family family, std::span<const std::string_view> keys,
                   std::vector<std::optional<std::string>>& values) override;
  Result<void> write(std::span<const Write> writes) override;
  Result<void> scan(Family family, std::string_view from, std::string_view to, bool backwards, const Visit& visit) override;
  void expire_before(std::int64_t cutoff) override;
  void tend() override {}
  Result<void> backup(const std::string& directory) override;
  std::string name() const override { return "memory"; }
  std::string state() const override { return "ok"; }
  std::uint64_t records() const override;
  std::uint64_t bytes() const override { return 0; }

 private:
  using Map = std::map<std::string, std::string, std::less<>>;
  mutable std::shared_mutex mutex_;
  Map maps_[kFamilies];
  std::string swept_to_;  ///< Where the next expire_before() goes on.
};

}  // namespace deferd::store
