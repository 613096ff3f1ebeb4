// Sets of addresses of both families, made for block lists of millions of prefixes: built off-line, never changed, asked by any
// number of threads. A set that is to be replaced while it is asked lives in a Swapped<T> (deferd/swapped.h).
//
//   PrefixSetBuilder builder;
//   builder.add(*Prefix::parse("192.0.2.0/24"));                    // listed
//   builder.except(*AddressRange::between(first, last));            // never listed, whatever else says so: white wins
//   const PrefixSet set = builder.build();
//   if (set.contains(client)) ...
//   for (const Prefix& prefix : set) ...                            // as few prefixes as possible, ascending, IPv4 first
//
// What a set holds is what spamd-setup(8) would list: overlapping and adjacent entries are one, and every run of addresses is
// split into the largest aligned prefixes that fit. Two sets of the same addresses are therefore the same prefixes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>

#include "deferd/address.h"
#include "deferd/result.h"

namespace deferd {

/// Addresses from `first` to `last`, both included, of one family.
class AddressRange {
 public:
  AddressRange(const Address& address) : first_(address), last_(address) {}  // NOLINT: an address is a range of one
  AddressRange(const Prefix& prefix);                                        // NOLINT: a prefix is a range, too

  /// Errors: invalid, if the ends are of two families or in the wrong order.
  static Result<AddressRange> between(const Address& first, const Address& last);

  const Address& first() const { return first_; }
  const Address& last() const { return last_; }
  bool contains(const Address& address) const { return first_ <= address && address <= last_; }

  bool operator==(const AddressRange&) const = default;

 private:
  AddressRange(const Address& first, const Address& last) : first_(first), last_(last) {}
  Address first_;
  Address last_;
};

/// How much of the two address spaces a set takes; a list that covers too much is a mistake, or an attack.
struct Coverage {
  std::uint64_t v4_addresses = 0;
  std::uint64_t v6_networks = 0;  ///< /64s of which at least one address is in the set. All 2^64 of them count as 2^64 - 1.

  bool operator==(const Coverage&) const = default;
};

/// Immutable; any thread may ask, and none ever waits. A copy shares the content and costs nothing. A default-made one is empty.
class PrefixSet {
 public:
  class Iterator;

  PrefixSet();

  /// Well below a microsecond, however many prefixes there are. Never allocates.
  bool contains(const Address& address) const noexcept;

  /// The one prefix of the set that holds the address.
  std::optional<Prefix> find(const Address& address) const noexcept;
  /// Whether any address of `prefix` is in the set.
  bool overlaps(const Prefix& prefix) const noexcept;

  bool empty() const { return size() == 0; }
  std::size_t size() const;   ///< Prefixes, after collapsing.
  std::size_t bytes() const;  ///< Memory: 5 bytes an IPv4 prefix, 9 an IPv6 prefix up to /64, 17 a longer one; 5% more.
  Coverage coverage() const;

  /// Valid while this set, or a copy of it, lives.
  Iterator begin() const;
  std::default_sentinel_t end() const { return {}; }

  /// Equal addresses.
  bool operator==(const PrefixSet& other) const;

  /// All addresses of one or the other, or both. Linear; needs no memory but that of the result.
  friend PrefixSet united(const PrefixSet& one, const PrefixSet& other);

  /// The addresses of `set` that are not in `removed`. Between two states of a list: without(now, former) is what was added, and
  /// without(former, now) what was removed. Linear; needs no memory but that of the result.
  friend PrefixSet without(const PrefixSet& set, const PrefixSet& removed);

 private:
  friend class PrefixSetBuilder;
  struct Tables;
  explicit PrefixSet(std::shared_ptr<const Tables> tables) : tables_(std::move(tables)) {}

  std::shared_ptr<const Tables> tables_;
};

/// Yields prefixes ascending: all of IPv4, then all of IPv6.
class PrefixSet::Iterator {
 public:
  using difference_type = std::ptrdiff_t;
  using value_type = Prefix;

  const Prefix& operator*() const { return current_; }
  const Prefix* operator->() const { return &current_; }
  Iterator& operator++();
  void operator++(int) { ++*this; }
  bool operator==(std::default_sentinel_t) const { return done_; }

 private:
  friend class PrefixSet;
  explicit Iterator(const Tables& tables);
  void load();

  const Tables* tables_;
  std::size_t v4_ = 0;
  std::size_t networks_ = 0;  // IPv6 up to /64
  std::size_t hosts_ = 0;     // IPv6, longer
  bool done_ = false;
  Prefix current_;
};

/// Collects entries and makes a set of them. One thread. Memory, however many come: that of the set, twice while it is put
/// together, and 8 to 32 MiB for the latest million entries (half as much again while there are fewer); given back by build().
class PrefixSetBuilder {
 public:
  PrefixSetBuilder();
  ~PrefixSetBuilder();
  PrefixSetBuilder(PrefixSetBuilder&&) noexcept;
  PrefixSetBuilder& operator=(PrefixSetBuilder&&) noexcept;

  void add(const AddressRange& range);
  void except(const AddressRange& range);  ///< Wins over whatever is added, before or after, and however often.

  /// What was added less what was excepted; the builder is empty afterwards. A second or so for ten million entries.
  PrefixSet build();

 private:
  struct Entries;
  std::unique_ptr<Entries> entries_;
};

}  // namespace deferd
