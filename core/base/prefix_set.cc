#include "deferd/prefix_set.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "prefix_spans.h"
#include "prefix_table.h"

namespace deferd {

using detail::Span;
using detail::Uint128;
using std::uint32_t;
using std::uint64_t;
using std::uint8_t;

namespace {

uint32_t v4_number(const Address& address) {
  uint32_t number = 0;
  for (const uint8_t byte : address.bytes()) number = number << 8 | byte;
  return number;
}

Uint128 v6_number(const Address& address) {
  Uint128 number = 0;
  for (const uint8_t byte : address.bytes()) number = number << 8 | byte;
  return number;
}

Address v6_address(Uint128 number) {
  std::array<uint8_t, 16> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(number >> (120 - 8 * i));
  return Address::v6(bytes);
}

/// ::ffff:0:0/96 is IPv4, so no IPv6 address can be there, and no IPv6 prefix may be printed for it.
constexpr Uint128 kMappedStart = Uint128{0xffff} << 32;

bool is_mapped(Uint128 number) { return number >> 32 == kMappedStart >> 32; }

/// The last address of a prefix.
Address last_of(const Prefix& prefix) {
  if (prefix.address().is_v4()) return Address::v4(v4_number(prefix.address()) | detail::host_mask<uint32_t>(prefix.length()));
  const Uint128 last = v6_number(prefix.address()) | detail::host_mask<Uint128>(prefix.length());
  return v6_address(is_mapped(last) ? kMappedStart - 1 : last);  // ::/80 ends among them
}

}  // namespace

AddressRange::AddressRange(const Prefix& prefix) : first_(prefix.address()), last_(last_of(prefix)) {}

Result<AddressRange> AddressRange::between(const Address& first, const Address& last) {
  if (first.is_v4() != last.is_v4()) return fail(Errc::invalid, "the ends of a range must be of one family");
  if (last < first) return fail(Errc::invalid, "the range ends before it begins");
  return AddressRange(first, last);
}

/// IPv6 prefixes up to /64 are most of what there is, and take half the place of longer ones: so each has its table.
struct PrefixSet::Tables {
  detail::PrefixTable<uint32_t> v4;
  detail::PrefixTable<uint64_t> networks;
  detail::PrefixTable<Uint128> hosts;

  std::size_t size() const { return v4.size() + networks.size() + hosts.size(); }
  auto v4_spans() const { return detail::TableSpans(v4); }
  auto v6_spans() const { return detail::Merged(detail::Widened(detail::TableSpans(networks)), detail::TableSpans(hosts)); }

  /// `sweep_v4(use)` and `sweep_v6(use)` call `use` for each maximal span, ascending. Each runs twice: to count, so that no array
  /// is larger than it must be, and to fill.
  template <class V4, class V6>
  static std::shared_ptr<const Tables> make(V4 sweep_v4, V6 sweep_v6) {
    auto tables = std::make_shared<Tables>();
    std::size_t v4 = 0, networks = 0, hosts = 0;
    sweep_v4([&](Span<uint32_t> span) { detail::split(span, [&](uint32_t, int) { ++v4; }); });
    sweep_v6([&](Span<Uint128> span) {
      detail::split(span, [&](Uint128 first, int length) {
        if (length <= 64)
          ++networks;
        else if (!is_mapped(first))
          ++hosts;
      });
    });
    tables->v4.reserve(v4);
    tables->networks.reserve(networks);
    tables->hosts.reserve(hosts);
    sweep_v4(
        [&](Span<uint32_t> span) { detail::split(span, [&](uint32_t first, int length) { tables->v4.push(first, length); }); });
    sweep_v6([&](Span<Uint128> span) {
      detail::split(span, [&](Uint128 first, int length) {
        if (length <= 64)
          tables->networks.push(static_cast<uint64_t>(first >> 64), length);
        else if (!is_mapped(first))
          tables->hosts.push(first, length);
      });
    });
    tables->v4.make_index();
    tables->networks.make_index();
    tables->hosts.make_index();
    return tables;
  }
};

PrefixSet::PrefixSet() {
  static const auto empty = std::make_shared<const Tables>();
  tables_ = empty;
}

bool PrefixSet::contains(const Address& address) const noexcept {
  if (address.is_v4()) return tables_->v4.contains(v4_number(address));
  const Uint128 number = v6_number(address);
  return tables_->networks.contains(static_cast<uint64_t>(number >> 64)) || tables_->hosts.contains(number);
}

std::optional<Prefix> PrefixSet::find(const Address& address) const noexcept {
  const auto prefix_of = [&](const auto& table, auto key) -> std::optional<Prefix> {
    const auto i = table.last_from(key);
    if (!i || key > table.span(*i).last) return std::nullopt;
    return Prefix(address, table.length(*i));
  };
  if (address.is_v4()) return prefix_of(tables_->v4, v4_number(address));
  const Uint128 number = v6_number(address);
  const auto network = prefix_of(tables_->networks, static_cast<uint64_t>(number >> 64));
  return network ? network : prefix_of(tables_->hosts, number);
}

bool PrefixSet::overlaps(const Prefix& prefix) const noexcept {
  if (prefix.is_host()) return contains(prefix.address());
  if (prefix.address().is_v4()) {
    const uint32_t first = v4_number(prefix.address());
    return tables_->v4.overlaps({first, first | detail::host_mask<uint32_t>(prefix.length())});
  }
  const Uint128 first = v6_number(prefix.address()), last = first | detail::host_mask<Uint128>(prefix.length());
  return tables_->networks.overlaps({static_cast<uint64_t>(first >> 64), static_cast<uint64_t>(last >> 64)}) ||
         tables_->hosts.overlaps({first, last});
}

std::size_t PrefixSet::size() const { return tables_->size(); }

std::size_t PrefixSet::bytes() const {
  return sizeof(Tables) + tables_->v4.bytes() + tables_->networks.bytes() + tables_->hosts.bytes();
}

Coverage PrefixSet::coverage() const {
  Coverage covered;
  for (std::size_t i = 0; i < tables_->v4.size(); ++i) {
    const auto span = tables_->v4.span(i);
    covered.v4_addresses += uint64_t{span.last} - span.first + 1;
  }
  for (std::size_t i = 0; i < tables_->networks.size(); ++i) {
    const auto span = tables_->networks.span(i);
    if (span.last - span.first == detail::kMax<uint64_t>) return {covered.v4_addresses, detail::kMax<uint64_t>};
    covered.v6_networks += span.last - span.first + 1;
  }
  for (std::size_t i = 0; i < tables_->hosts.size(); ++i) {
    const auto network = [&](std::size_t at) { return static_cast<uint64_t>(tables_->hosts.first(at) >> 64); };
    if (i == 0 || network(i) != network(i - 1)) ++covered.v6_networks;
  }
  return covered;
}

bool PrefixSet::operator==(const PrefixSet& other) const {
  return tables_ == other.tables_ || (tables_->v4 == other.tables_->v4 && tables_->networks == other.tables_->networks &&
                                      tables_->hosts == other.tables_->hosts);
}

PrefixSet united(const PrefixSet& one, const PrefixSet& other) {
  const auto& a = *one.tables_;
  const auto& b = *other.tables_;
  return PrefixSet(PrefixSet::Tables::make(
      [&](auto use) { detail::subtract(detail::Merged(a.v4_spans(), b.v4_spans()), detail::NoSpans<uint32_t>(), use); },
      [&](auto use) { detail::subtract(detail::Merged(a.v6_spans(), b.v6_spans()), detail::NoSpans<Uint128>(), use); }));
}

PrefixSet without(const PrefixSet& set, const PrefixSet& removed) {
  const auto& a = *set.tables_;
  const auto& b = *removed.tables_;
  return PrefixSet(PrefixSet::Tables::make([&](auto use) { detail::subtract(a.v4_spans(), b.v4_spans(), use); },
                                           [&](auto use) { detail::subtract(a.v6_spans(), b.v6_spans(), use); }));
}

PrefixSet::Iterator PrefixSet::begin() const { return Iterator(*tables_); }

PrefixSet::Iterator::Iterator(const Tables& tables) : tables_(&tables) { load(); }

PrefixSet::Iterator& PrefixSet::Iterator::operator++() {
  // What load() took is the least of what is left.
  if (v4_ < tables_->v4.size())
    ++v4_;
  else if (current_.length() <= 64)
    ++networks_;
  else
    ++hosts_;
  load();
  return *this;
}

void PrefixSet::Iterator::load() {
  if (v4_ < tables_->v4.size()) {
    current_ = Prefix(Address::v4(tables_->v4.first(v4_)), tables_->v4.length(v4_));
    return;
  }
  const bool network = networks_ < tables_->networks.size();
  const bool host = hosts_ < tables_->hosts.size();
  done_ = !network && !host;
  if (done_) return;
  const Uint128 network_first = network ? Uint128{tables_->networks.first(networks_)} << 64 : detail::kMax<Uint128>;
  if (network && (!host || network_first < tables_->hosts.first(hosts_)))
    current_ = Prefix(v6_address(network_first), tables_->networks.length(networks_));
  else
    current_ = Prefix(v6_address(tables_->hosts.first(hosts_)), tables_->hosts.length(hosts_));
}

namespace {

/// Entries kept as they came, 8 to 32 bytes each. Beyond that they become a set, which takes 5 to 17.
constexpr std::size_t kMostLoose = std::size_t{1} << 20;

}  // namespace

struct PrefixSetBuilder::Entries {
  /// The latest entries as they came, and all before them as sets, each more than half as large again as the next: so an entry
  /// takes part in few unions, and only the last union is as large as the whole.
  class Side {
   public:
    void add(const AddressRange& range) {
      if (range.first().is_v4())
        v4_.push_back({v4_number(range.first()), v4_number(range.last())});
      else
        add_v6({v6_number(range.first()), v6_number(range.last())});
      if (v4_.size() + networks_.size() + hosts_.size() == kMostLoose) settle();
    }

    PrefixSet take() && {
      PrefixSet all = settled();
      v4_ = std::vector<Span<uint32_t>>();  // gives the memory back, which {} and clear() do not
      networks_ = std::vector<Span<uint64_t>>();
      hosts_ = std::vector<Span<Uint128>>();
      for (; !sets_.empty(); sets_.pop_back()) all = all.empty() ? sets_.back() : united(sets_.back(), all);
      return all;
    }

   private:
    void add_v6(Span<Uint128> span) {
      constexpr auto max = detail::kMax<uint64_t>;
      const auto high = [](Uint128 number) { return static_cast<uint64_t>(number >> 64); };
      if (static_cast<uint64_t>(span.first) == 0 && static_cast<uint64_t>(span.last) == max)
        networks_.push_back({high(span.first), high(span.last)});
      else
        hosts_.push_back(span);
    }

    /// The loose entries as a set.
    PrefixSet settled() {
      const auto by_first = [](const auto& a, const auto& b) { return a.first < b.first; };
      std::sort(v4_.begin(), v4_.end(), by_first);
      std::sort(networks_.begin(), networks_.end(), by_first);
      std::sort(hosts_.begin(), hosts_.end(), by_first);
      return PrefixSet(PrefixSet::Tables::make(
          [&](auto use) { detail::subtract(detail::VectorSpans(v4_), detail::NoSpans<uint32_t>(), use); },
          [&](auto use) {
            detail::subtract(detail::Merged(detail::Widened(detail::VectorSpans(networks_)), detail::VectorSpans(hosts_)),
                             detail::NoSpans<Uint128>(), use);
          }));
    }

    void settle() {
      PrefixSet set = settled();
      v4_.clear();
      networks_.clear();
      hosts_.clear();
      for (; !sets_.empty() && 2 * sets_.back().size() <= 3 * set.size(); sets_.pop_back()) set = united(sets_.back(), set);
      sets_.push_back(std::move(set));
    }

    std::vector<Span<uint32_t>> v4_;
    std::vector<Span<uint64_t>> networks_;
    std::vector<Span<Uint128>> hosts_;
    std::vector<PrefixSet> sets_;
  };
  Side added;
  Side excepted;
};

PrefixSetBuilder::PrefixSetBuilder() : entries_(std::make_unique<Entries>()) {}
PrefixSetBuilder::~PrefixSetBuilder() = default;
PrefixSetBuilder::PrefixSetBuilder(PrefixSetBuilder&&) noexcept = default;
PrefixSetBuilder& PrefixSetBuilder::operator=(PrefixSetBuilder&&) noexcept = default;

void PrefixSetBuilder::add(const AddressRange& range) { entries_->added.add(range); }
void PrefixSetBuilder::except(const AddressRange& range) { entries_->excepted.add(range); }

PrefixSet PrefixSetBuilder::build() {
  const auto entries = std::exchange(entries_, std::make_unique<Entries>());
  const PrefixSet added = std::move(entries->added).take();
  const PrefixSet excepted = std::move(entries->excepted).take();
  return excepted.empty() ? added : without(added, excepted);
}

}  // namespace deferd
