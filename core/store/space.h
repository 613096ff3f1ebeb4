// One plugin's key space over a Kv: groups, versions, expiry.
#pragma once
#include <array>
#include <atomic>
#include <mutex>
#include <string>

#include "deferd/store.h"
#include "deferd/time.h"
#include "store/kv.h"

namespace deferd::store {

/// Locks that keep commits of one group apart; shared by all spaces of an engine.
///
/// A version is the stripe's count of commits as seen before the read, and a hash of the stored bytes. While the count stands
/// still nothing in the group has changed, so a commit need not read again; else it reads, and only a different hash is a
/// conflict.
class Stripes {
 public:
  struct alignas(64) Stripe {
    std::mutex mutex;
    std::atomic<std::uint64_t> commits{1};  // 0 is the epoch of a default-made Version: "absent", to be looked up
  };
  Stripe& of(std::string_view space, std::string_view group) {
    const std::hash<std::string_view> hash;
    return stripes_[(hash(space) * 31 + hash(group)) % stripes_.size()];
  }

 private:
  std::array<Stripe, 2048> stripes_;
};

class Space : public Store {
 public:
  Space(Kv& kv, Stripes& stripes, const Clock& clock, std::string_view plugin);
  Result<std::vector<Record>> read(std::string_view group, std::span<const std::string_view> keys) override;
  Result<void> commit(std::string_view group, std::span<const Change> changes) override;
  Result<ScanPage> scan(std::string_view group_prefix, std::string_view cursor, std::size_t limit) override;

 private:
  /// `key(i)` for each of `count` keys, encoded one after another in `buffer`.
  template <class KeyAt>
  void encode(std::string_view group, std::size_t count, const KeyAt& key, std::string& buffer,
              std::vector<std::string_view>& views) const;
  Result<void> check(std::string_view group, std::span<const Change> changes, std::uint64_t epoch) const;

  Kv& kv_;
  Stripes& stripes_;
  const Clock& clock_;
  std::string prefix_;
};

}  // namespace deferd::store
