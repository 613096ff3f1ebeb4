// Prefixes with a time each, in order, so that those within another and those around it are found without a scan.
#pragma once
#include <array>
#include <cstdint>
#include <map>

#include "deferd/address.h"
#include "deferd/time.h"

namespace deferd::pfbridge {

/// One thread. About 80 bytes a row.
class PrefixRows {
 public:
  void put(const Prefix& prefix, Time time) {
    const auto [row, fresh] = rows_.insert_or_assign(prefix, time);
    if (fresh) ++lengths(prefix.address().is_v4())[static_cast<std::size_t>(prefix.length())];
  }
  bool erase(const Prefix& prefix) {
    if (rows_.erase(prefix) == 0) return false;
    --lengths(prefix.address().is_v4())[static_cast<std::size_t>(prefix.length())];
    return true;
  }
  void clear() { *this = PrefixRows(); }

  const Time* find(const Prefix& prefix) const {
    const auto row = rows_.find(prefix);
    return row == rows_.end() ? nullptr : &row->second;
  }
  bool contains(const Prefix& prefix) const { return rows_.contains(prefix); }
  std::size_t size() const { return rows_.size(); }
  bool empty() const { return rows_.empty(); }
  auto begin() const { return rows_.begin(); }
  auto end() const { return rows_.end(); }

  /// Calls `use(prefix, time)` for each row within `prefix`, itself included, ascending.
  template <class Use>
  void each_within(const Prefix& prefix, Use use) const {
    for (auto row = rows_.lower_bound(prefix); row != rows_.end() && prefix.contains(row->first); ++row)
      use(row->first, row->second);
  }

  /// Whether `test(row)` holds of any row within `prefix`, itself included.
  template <class Test>
  bool any_within(const Prefix& prefix, Test test) const {
    for (auto row = rows_.lower_bound(prefix); row != rows_.end() && prefix.contains(row->first); ++row)
      if (test(row->first)) return true;
    return false;
  }

  /// Calls `use(prefix, time)` for each row that holds all of `prefix`, itself included, the widest first.
  template <class Use>
  void each_around(const Prefix& prefix, Use use) const {
    const auto& used = lengths(prefix.address().is_v4());
    for (int length = 0; length <= prefix.length(); ++length) {
      if (used[static_cast<std::size_t>(length)] == 0) continue;
      const auto row = rows_.find(Prefix(prefix.address(), length));
      if (row != rows_.end()) use(row->first, row->second);
    }
  }

  /// Whether any row and `prefix` have an address in common.
  bool overlaps(const Prefix& prefix) const {
    if (rows_.empty()) return false;
    const auto row = rows_.lower_bound(prefix);
    if (row != rows_.end() && prefix.contains(row->first)) return true;
    return is_within(prefix);
  }

  /// Whether one row holds all of `prefix`.
  bool is_within(const Prefix& prefix) const {
    bool any = false;
    each_around(prefix, [&](const Prefix&, Time) { any = true; });
    return any;
  }

 private:
  using Lengths = std::array<std::uint32_t, 129>;  // how many rows there are of each
  Lengths& lengths(bool v4) { return v4 ? v4_ : v6_; }
  const Lengths& lengths(bool v4) const { return v4 ? v4_ : v6_; }

  std::map<Prefix, Time> rows_;
  Lengths v4_{}, v6_{};
};

}  // namespace deferd::pfbridge
