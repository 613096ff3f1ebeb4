#include "pfbridge/wanted.h"

#include <algorithm>

#include "pfbridge/prefixes.h"

namespace deferd::pfbridge {

std::string_view to_string(Set set) { return kSets[static_cast<std::size_t>(set)].second; }

std::optional<Set> set_named(std::string_view name) {
  for (const auto& [set, its_name] : kSets)
    if (its_name == name) return set;
  return std::nullopt;
}

namespace {

Time with_net(Time expires) { return expires > Time::max() - Wanted::kNet ? Time::max() : expires + Wanted::kNet; }

bool has_all_of(const PrefixSet& set, const Prefix& prefix) {
  const auto entry = set.find(prefix.address());
  return entry && entry->contains(prefix);
}

/// A list of millions is not copied if nobody on it is exempt.
std::shared_ptr<const PrefixSet> less(std::shared_ptr<const PrefixSet> black, const PrefixSet* exempt) {
  if (!black || !exempt) return black;
  for (const Prefix& prefix : *exempt)
    if (black->overlaps(prefix)) return std::make_shared<const PrefixSet>(without(*black, *exempt));
  return black;
}

/// What is in one of them alone.
struct Difference {
  Difference(const PrefixSet& former, const PrefixSet& now) : came(without(now, former)), went(without(former, now)) {}

  std::size_t size() const { return came.size() + went.size(); }
  void append_to(std::vector<Prefix>& all) const {
    for (const PrefixSet* some : {&came, &went})
      for (const Prefix& prefix : *some) all.push_back(prefix);
  }

  const PrefixSet came, went;
};

}  // namespace

Wanted::Wanted(Changed changed)
    : changed_(std::move(changed)),
      white_({[this](const Prefix& prefix) { return is_trapped_or_listed(prefix); },
              [this](const Prefix& prefix) { return is_trapped_or_listed_whole(prefix); }}),
      trapped_({[this](const Prefix& prefix) { return is_exempt(prefix); },
                [this](const Prefix& prefix) { return is_exempt_whole(prefix); }}) {}

// ---- What is

bool Wanted::is_exempt_whole(const Prefix& prefix) const { return exempt_ && has_all_of(*exempt_, prefix); }

bool Wanted::is_trapped(const Prefix& prefix) const {
  const auto& rows = trapped_.rows();
  if (!is_exempt(prefix)) return rows.overlaps(prefix);
  if (rows.is_within(prefix)) return !is_exempt_whole(prefix);
  return rows.any_within(prefix, [this](const Prefix& row) { return !is_exempt_whole(row); });
}

bool Wanted::is_trapped_or_listed(const Prefix& prefix) const {
  return (black_ && black_->overlaps(prefix)) || is_trapped(prefix);
}

bool Wanted::is_trapped_or_listed_whole(const Prefix& prefix) const {
  return (trapped_.rows().is_within(prefix) && !is_exempt(prefix)) || (black_ && has_all_of(*black_, prefix));
}

std::optional<Time> Wanted::white(const Prefix& prefix) const {
  auto until = white_.find(prefix);
  if (until) until = with_net(*until);
  const auto* lease = leases_.find(prefix);
  if (lease && !white_.is_barred(prefix)) until = std::max(until.value_or(Time::min()), *lease + kLeaseNet);
  return until;
}

std::optional<Time> Wanted::find(Set set, const Prefix& prefix) const {
  if (set == Set::white) return white(prefix);
  if (set == Set::trapped) {
    const auto expires = trapped_.find(prefix);
    return expires ? std::optional(with_net(*expires)) : std::nullopt;
  }
  const PrefixSet* all = shown(set);
  return all && all->find(prefix.address()) == prefix ? std::optional(Time::max()) : std::nullopt;
}

void Wanted::each(Set set, const std::function<void(const Prefix&)>& use) const {
  if (has_rows(set))
    rows_of(set).each(use);
  else if (const PrefixSet* all = shown(set))
    for (const Prefix& prefix : *all) use(prefix);
  if (set == Set::white)
    for (const auto& [client, until] : leases_)
      if (!white_.is_barred(client) && !white_.find(client)) use(client);
}

std::uint64_t Wanted::count(Set set) const {
  if (has_rows(set)) return counts_[static_cast<std::size_t>(set)];
  const PrefixSet* all = shown(set);
  return all ? all->size() : 0;
}

// ---- What changes

/// Makes a change, and tells which of the `entries` are not as they were.
void Wanted::change(Set set, std::vector<Prefix> entries, const std::function<void()>& make) {
  std::sort(entries.begin(), entries.end());
  entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
  std::vector<std::optional<Time>> before;
  before.reserve(entries.size());
  for (const Prefix& entry : entries) before.push_back(find(set, entry));
  make();
  auto& count = counts_[static_cast<std::size_t>(set)];
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto after = find(set, entries[i]);
    if (before[i] && !after) --count;
    if (!before[i] && after) ++count;
    if (before[i] != after) changed_(set, entries[i], before[i].has_value());
  }
}

/// `flip` makes a change of who is trapped, listed or exempt within `where`, and the next call takes it back. Entries of white
/// are looked for in both states; those of trapped are given.
void Wanted::change_barred(const std::vector<Prefix>& where, std::vector<Prefix> trapped, const std::function<void()>& flip) {
  std::vector<Prefix> white;
  for (int state = 0; state < 2; ++state) {
    flip();
    for (const Prefix& place : where) {
      white_.append_touched(place, white);
      leases_.each_within(place, [&](const Prefix& client, Time) { white.push_back(client); });
    }
  }
  change(Set::white, std::move(white), [&] { change(Set::trapped, std::move(trapped), flip); });
}

void Wanted::put(Set set, const Prefix& prefix, Time expires) {
  auto& rows = rows_of(set).rows();
  const auto* former = rows.find(prefix);
  if (former && *former == expires) return;
  auto pieces = rows_of(set).pieces(prefix);
  if (set == Set::white || former) return change(set, std::move(pieces), [&] { rows.put(prefix, expires); });
  change_barred({prefix}, std::move(pieces), [&, there = false]() mutable {
    if (there)
      rows.erase(prefix);
    else
      rows.put(prefix, expires);
    there = !there;
  });
}

void Wanted::erase(Set set, const Prefix& prefix) {
  auto& rows = rows_of(set).rows();
  const auto* former = rows.find(prefix);
  if (!former) return changed_(set, prefix, false);
  auto pieces = rows_of(set).pieces(prefix);
  if (set == Set::white) return change(set, std::move(pieces), [&] { rows.erase(prefix); });
  change_barred({prefix}, std::move(pieces), [&, expires = *former, there = true]() mutable {
    if (there)
      rows.erase(prefix);
    else
      rows.put(prefix, expires);
    there = !there;
  });
}

void Wanted::lease(const Address& client, Time until) {
  change(Set::white, {Prefix(client)}, [&] { leases_.put(Prefix(client), until); });
}

void Wanted::end_lease(const Address& client) {
  change(Set::white, {Prefix(client)}, [&] { leases_.erase(Prefix(client)); });
}

/// The entries of one and not of the other; both ascend.
void Wanted::tell(Set set, const PrefixSet& former, const PrefixSet& now) const {
  auto old_one = former.begin(), new_one = now.begin();
  while (old_one != former.end() || new_one != now.end()) {
    const bool has_old = old_one != former.end(), has_new = new_one != now.end();
    if (has_old && has_new && *old_one == *new_one) {
      ++old_one;
      ++new_one;
    } else if (has_old && (!has_new || *old_one < *new_one)) {
      changed_(set, *old_one, true);
      ++old_one;
    } else {
      changed_(set, *new_one, false);
      ++new_one;
    }
  }
}

void Wanted::show(std::shared_ptr<const PrefixSet> black, std::shared_ptr<const PrefixSet> exempt) {
  black = less(std::move(black), exempt.get());
  const auto content = [](const auto& set) { return set ? *set : PrefixSet(); };
  const PrefixSet former_black = content(black_), new_black = content(black);
  const PrefixSet former_exempt = content(exempt_), new_exempt = content(exempt);
  const Difference listed(former_black, new_black), exempted(former_exempt, new_exempt);
  const bool black_known = black_ && black, exempt_known = exempt_ && exempt;
  const auto flip = [&] {
    std::swap(black_, black);
    std::swap(exempt_, exempt);
  };

  // If there are fewer rows than changes, each row is looked at.
  std::vector<Prefix> where, where_exempt;
  if (listed.size() + exempted.size() <= white_.rows().size() + leases_.size()) {
    listed.append_to(where);
    exempted.append_to(where);
  } else {
    for (const auto& [row, expires] : white_.rows()) where.push_back(row);
    for (const auto& [client, until] : leases_) where.push_back(client);
  }
  if (exempted.size() <= trapped_.rows().size())
    exempted.append_to(where_exempt);
  else
    for (const auto& [row, expires] : trapped_.rows()) where_exempt.push_back(row);
  std::vector<Prefix> trapped;
  for (int state = 0; state < 2; ++state) {
    flip();
    for (const Prefix& place : where_exempt) trapped_.append_touched(place, trapped);
  }
  change_barred(where, std::move(trapped), flip);
  if (black_known) tell(Set::black, former_black, new_black);
  if (exempt_known) tell(Set::exempt, former_exempt, new_exempt);
}

std::vector<Wanted::Gone> Wanted::replace(PrefixRows white, PrefixRows trapped) {
  std::vector<Gone> gone;
  for (auto [set, fresh] : {std::pair(Set::white, &white), std::pair(Set::trapped, &trapped)}) {
    auto& rows = rows_of(set).rows();
    for (const auto& [row, expires] : rows)
      if (!fresh->contains(row)) gone.push_back({set, row});
    rows = std::move(*fresh);
  }
  for (auto& count : counts_) count = 0;
  each(Set::white, [this](const Prefix&) { ++counts_[0]; });
  each(Set::trapped, [this](const Prefix&) { ++counts_[1]; });
  return gone;
}

}  // namespace deferd::pfbridge
