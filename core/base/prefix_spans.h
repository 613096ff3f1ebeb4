// The arithmetic of prefix sets: spans of numbers (addresses as unsigned integers), read in ascending order, merged, subtracted,
// and split into aligned prefixes. Nothing here stores more than a span or two.
//
// Ends are included, so the last address needs no number after it: a range that ends at 255.255.255.255 or at ffff:..:ffff is
// like any other. A *source* is anything with `std::optional<Span<Key>> next()` whose spans ascend by their first number; they
// may overlap.
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

namespace deferd::detail {

__extension__ using Uint128 = unsigned __int128;

template <class Key>
inline constexpr int kBits = static_cast<int>(sizeof(Key) * 8);
template <class Key>
inline constexpr Key kMax = static_cast<Key>(~Key{0});

template <class Key>
struct Span {
  Key first, last;
};

/// A span of whole /64s as the addresses in it.
inline Span<Uint128> as_addresses(Span<std::uint64_t> networks) {
  return {Uint128{networks.first} << 64, Uint128{networks.last} << 64 | kMax<std::uint64_t>};
}

template <class Key>
int trailing_zeros(Key key) {
  if constexpr (kBits<Key> == 128) {
    const auto low = static_cast<std::uint64_t>(key);
    return low != 0 ? std::countr_zero(low) : 64 + std::countr_zero(static_cast<std::uint64_t>(key >> 64));
  } else {
    return std::countr_zero(key);
  }
}

template <class Key>
int width(Key key) {
  if constexpr (kBits<Key> == 128) {
    const auto high = static_cast<std::uint64_t>(key >> 64);
    return high != 0 ? 64 + std::bit_width(high) : std::bit_width(static_cast<std::uint64_t>(key));
  } else {
    return std::bit_width(key);
  }
}

/// The bits behind a prefix of that length.
template <class Key>
Key host_mask(int length) {
  return length == kBits<Key> ? Key{0} : static_cast<Key>(kMax<Key> >> length);
}

/// Calls `use(first, length)` for the fewest prefixes that make up `span`, ascending: each is the largest that is aligned where
/// it begins and does not go beyond the end.
template <class Key, class Use>
void split(Span<Key> span, Use use) {
  for (;;) {
    const Key left = static_cast<Key>(span.last - span.first);  // one less than how many
    const int fits = left == kMax<Key> ? kBits<Key> : width(static_cast<Key>(left + 1)) - 1;
    const int length = kBits<Key> - std::min(fits, trailing_zeros(span.first));
    use(span.first, length);
    const Key end = static_cast<Key>(span.first | host_mask<Key>(length));
    if (end == span.last) return;
    span.first = static_cast<Key>(end + 1);
  }
}

/// Two sources as one.
template <class A, class B>
class Merged {
 public:
  Merged(A a, B b) : a_(std::move(a)), b_(std::move(b)), next_a_(a_.next()), next_b_(b_.next()) {}
  auto next() {
    if (!next_b_ || (next_a_ && next_a_->first <= next_b_->first))
      return std::exchange(next_a_, next_a_ ? a_.next() : std::nullopt);
    return std::exchange(next_b_, b_.next());
  }

 private:
  A a_;
  B b_;
  decltype(std::declval<A&>().next()) next_a_;
  decltype(std::declval<B&>().next()) next_b_;
};

/// A source's spans with what overlaps or touches made one: maximal, disjoint.
template <class Source>
class Runs {
 public:
  explicit Runs(Source source) : source_(std::move(source)), ahead_(source_.next()) {}
  auto next() {
    auto run = ahead_;
    if (!run) return run;
    while ((ahead_ = source_.next())) {
      if (ahead_->first > run->last && ahead_->first - run->last > 1) break;
      run->last = std::max(run->last, ahead_->last);
    }
    return run;
  }

 private:
  Source source_;
  decltype(std::declval<Source&>().next()) ahead_;
};

/// What is in `set` and not in `removed`, as maximal spans, ascending. Both are sources.
template <class Set, class Removed, class Use>
void subtract(Set set, Removed removed, Use use) {
  Runs listed(std::move(set));
  Runs holes(std::move(removed));
  auto hole = holes.next();
  while (auto run = listed.next()) {
    bool rest = true;
    while (hole && hole->last < run->first) hole = holes.next();
    while (rest && hole && hole->first <= run->last) {
      if (hole->first > run->first) use({run->first, static_cast<decltype(run->first)>(hole->first - 1)});
      rest = hole->last < run->last;  // the same hole may reach into the next run
      if (rest) {
        run->first = static_cast<decltype(run->first)>(hole->last + 1);
        hole = holes.next();
      }
    }
    if (rest) use(*run);
  }
}

/// A source of nothing.
template <class Key>
struct NoSpans {
  std::optional<Span<Key>> next() { return std::nullopt; }
};

}  // namespace deferd::detail
