// Where a prefix set keeps its prefixes: disjoint, ascending, their first numbers in one array and their lengths in another. An
// index by leading bits, as fine as there are prefixes, says where in the arrays to look: about 32 neighbours when prefixes are
// spread evenly, more where they are dense, and those are searched by halving. So a look-up touches three or four cache lines
// where halving the whole array touches a dozen. docs/decisions/0008-prefix-sets.md has what else was tried.
#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "prefix_spans.h"

namespace deferd::detail {

template <class Key>
class PrefixTable {
 public:
  void reserve(std::size_t count) {
    firsts_.reserve(count);
    lengths_.reserve(count);
  }

  /// Ascending, and never overlapping the one before.
  void push(Key first, int length) {
    firsts_.push_back(first);
    lengths_.push_back(static_cast<std::uint8_t>(length));
  }

  /// After the last push, before the first look-up.
  void make_index() {
    if (firsts_.empty()) return;
    const Key extent = static_cast<Key>(firsts_.back() - firsts_.front());
    shift_ = std::max(0, width(extent) - std::max(1, width(firsts_.size() / kNeighbours)));
    index_.reserve(static_cast<std::size_t>(extent >> shift_) + 2);
    for (std::size_t i = 0; i < firsts_.size(); ++i) index_.resize(bucket(firsts_[i]) + 1, static_cast<std::uint32_t>(i));
    index_.push_back(static_cast<std::uint32_t>(firsts_.size()));
  }

  bool contains(Key key) const noexcept {
    const auto i = last_from(key);
    return i && key <= span(*i).last;
  }

  /// Whether any of them has a number from `first` to `last`.
  bool overlaps(Span<Key> range) const noexcept {
    const auto i = last_from(range.last);
    return i && range.first <= span(*i).last;
  }

  /// The last that does not begin after `key`.
  std::optional<std::size_t> last_from(Key key) const noexcept {
    if (firsts_.empty() || key < firsts_.front()) return std::nullopt;
    auto place = firsts_.end();
    if (key <= firsts_.back()) {
      const auto i = bucket(key);
      place = std::upper_bound(firsts_.begin() + index_[i], firsts_.begin() + index_[i + 1], key);
    }
    return static_cast<std::size_t>(place - firsts_.begin()) - 1;
  }

  std::size_t size() const { return firsts_.size(); }
  Key first(std::size_t i) const { return firsts_[i]; }
  int length(std::size_t i) const { return lengths_[i]; }
  Span<Key> span(std::size_t i) const { return {firsts_[i], static_cast<Key>(firsts_[i] | host_mask<Key>(lengths_[i]))}; }
  std::size_t bytes() const {
    return firsts_.capacity() * sizeof(Key) + lengths_.capacity() + index_.capacity() * sizeof(std::uint32_t);
  }
  bool operator==(const PrefixTable& other) const { return firsts_ == other.firsts_ && lengths_ == other.lengths_; }

 private:
  static constexpr std::size_t kNeighbours = 32;

  std::size_t bucket(Key key) const { return static_cast<std::size_t>(static_cast<Key>(key - firsts_.front()) >> shift_); }

  std::vector<Key> firsts_;
  std::vector<std::uint8_t> lengths_;
  std::vector<std::uint32_t> index_;  // for each bucket the first in it or behind it; one more at the end
  int shift_ = 0;
};

/// A table as a source of spans.
template <class Key>
class TableSpans {
 public:
  explicit TableSpans(const PrefixTable<Key>& table) : table_(&table) {}
  std::optional<Span<Key>> next() {
    if (i_ == table_->size()) return std::nullopt;
    return table_->span(i_++);
  }

 private:
  const PrefixTable<Key>* table_;
  std::size_t i_ = 0;
};

/// A vector, sorted, as a source of spans.
template <class Key>
class VectorSpans {
 public:
  explicit VectorSpans(const std::vector<Span<Key>>& spans) : spans_(&spans) {}
  std::optional<Span<Key>> next() {
    if (i_ == spans_->size()) return std::nullopt;
    return (*spans_)[i_++];
  }

 private:
  const std::vector<Span<Key>>* spans_;
  std::size_t i_ = 0;
};

/// Whole /64s as addresses.
template <class Source>
class Widened {
 public:
  explicit Widened(Source source) : source_(std::move(source)) {}
  std::optional<Span<Uint128>> next() {
    const auto span = source_.next();
    if (!span) return std::nullopt;
    return as_addresses(*span);
  }

 private:
  Source source_;
};

}  // namespace deferd::detail
