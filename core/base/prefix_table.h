// Where a prefix set keeps its prefixes: disjoint, ascending, their first numbers in one array and their lengths in another. A
// number is looked for among every 64th first, an array that stays in the processor's cache, then among 64 neighbours.
// docs/decisions/0008-prefix-sets.md has what else was tried.
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
    sampled_.reserve(count / kStep + 1);
  }

  /// Ascending, and never overlapping the one before.
  void push(Key first, int length) {
    if (firsts_.size() % kStep == 0) sampled_.push_back(first);
    firsts_.push_back(first);
    lengths_.push_back(static_cast<std::uint8_t>(length));
  }

  bool contains(Key key) const noexcept {
    const auto sample = std::upper_bound(sampled_.begin(), sampled_.end(), key);
    if (sample == sampled_.begin()) return false;
    const auto from = firsts_.begin() + static_cast<std::ptrdiff_t>(kStep) * (sample - sampled_.begin() - 1);
    const auto to = firsts_.end() - from > static_cast<std::ptrdiff_t>(kStep) ? from + kStep : firsts_.end();
    const auto place = static_cast<std::size_t>(std::upper_bound(from, to, key) - firsts_.begin()) - 1;
    return key <= span(place).last;
  }

  std::size_t size() const { return firsts_.size(); }
  Key first(std::size_t i) const { return firsts_[i]; }
  int length(std::size_t i) const { return lengths_[i]; }
  Span<Key> span(std::size_t i) const { return {firsts_[i], static_cast<Key>(firsts_[i] | host_mask<Key>(lengths_[i]))}; }
  std::size_t bytes() const { return (firsts_.capacity() + sampled_.capacity()) * sizeof(Key) + lengths_.capacity(); }
  bool operator==(const PrefixTable& other) const { return firsts_ == other.firsts_ && lengths_ == other.lengths_; }

 private:
  static constexpr std::size_t kStep = 64;
  std::vector<Key> firsts_;
  std::vector<std::uint8_t> lengths_;
  std::vector<Key> sampled_;  // firsts_[0], [64], [128] ...
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
