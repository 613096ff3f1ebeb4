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

}  // namespace

// ---- What is

bool Wanted::is_barred(const Prefix& prefix) const { return trapped_.overlaps(prefix) || (black_ && black_->overlaps(prefix)); }

bool Wanted::is_barred_whole(const Prefix& prefix) const {
  if (trapped_.is_within(prefix)) return true;
  if (!black_) return false;
  const auto entry = black_->find(prefix.address());
  return entry && entry->contains(prefix);
}

std::optional<Time> Wanted::white(const Prefix& prefix) const {
  std::optional<Time> until;
  const auto take = [&](Time time) { until = std::max(until.value_or(Time::min()), time); };
  bool around = false;  // by a row that is wider
  white_.each_around(prefix, [&](const Prefix& row, Time expires) {
    if (row == prefix)
      take(with_net(expires));
    else
      around = true;
  });
  if (around && is_barred(parent_of(prefix)))
    white_.each_around(prefix, [&](const Prefix&, Time expires) { take(with_net(expires)); });
  if (const auto* lease = leases_.find(prefix)) take(*lease + kLeaseNet);
  return until && !is_barred(prefix) ? until : std::nullopt;
}

std::optional<Time> Wanted::find(Set set, const Prefix& prefix) const {
  if (set == Set::white) return white(prefix);
  if (set == Set::trapped) {
    const auto* expires = trapped_.find(prefix);
    return expires ? std::optional(with_net(*expires)) : std::nullopt;
  }
  if (!black_ || black_->find(prefix.address()) != prefix) return std::nullopt;
  return Time::max();
}

/// The largest parts of `prefix` of which nothing is barred.
template <class Use>
void Wanted::each_piece(const Prefix& prefix, const Use& use) const {
  if (!is_barred(prefix)) return use(prefix);
  if (prefix.is_host() || is_barred_whole(prefix)) return;
  for (const bool upper : {false, true})
    if (const auto half = half_of(prefix, upper)) each_piece(*half, use);
}

void Wanted::each_white(const std::function<void(const Prefix&)>& use) const {
  for (const auto& row : white_)
    each_piece(row.first, [&](const Prefix& piece) {
      const Prefix* narrowest = nullptr;  // who of several rows has it
      white_.each_around(piece, [&](const Prefix& around, Time) { narrowest = &around; });
      if (narrowest && *narrowest == row.first) use(piece);
    });
  for (const auto& [client, until] : leases_) {
    if (is_barred(client)) continue;
    const bool is_piece = white_.is_within(client) && (white_.contains(client) || is_barred(parent_of(client)));
    if (!is_piece) use(client);
  }
}

void Wanted::each(Set set, const std::function<void(const Prefix&)>& use) const {
  if (set == Set::white) return each_white(use);
  if (set == Set::trapped) {
    for (const auto& [row, expires] : trapped_) use(row);
    return;
  }
  if (!black_) return;
  for (const Prefix& prefix : *black_) use(prefix);
}

std::uint64_t Wanted::count(Set set) const {
  if (set == Set::white) return white_count_;
  return set == Set::trapped ? trapped_.size() : black_ ? black_->size() : 0;
}

// ---- What changes

/// Makes a change, and tells which of the white `entries` are not as they were.
void Wanted::change(std::vector<Prefix> entries, const std::function<void()>& make) {
  std::sort(entries.begin(), entries.end());
  entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
  std::vector<std::optional<Time>> before;
  before.reserve(entries.size());
  for (const Prefix& entry : entries) before.push_back(white(entry));
  make();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto after = white(entries[i]);
    if (before[i] && !after) --white_count_;
    if (!before[i] && after) ++white_count_;
    if (before[i] != after) changed_(Set::white, entries[i]);
  }
}

/// Appends the white entries that may come or go with `barred`: those within, and where a row is split because of it, those on
/// the way from the row down to it.
void Wanted::touched_by(const Prefix& barred, std::vector<Prefix>& entries) const {
  bool splits = false;
  white_.each_within(barred, [&](const Prefix& row, Time) {
    entries.push_back(row);
    splits = splits || !row.is_host();
  });
  leases_.each_within(barred, [&](const Prefix& client, Time) { entries.push_back(client); });
  int widest = -1;
  white_.each_around(barred, [&](const Prefix& row, Time) {
    if (widest < 0) widest = row.length();
  });
  const bool is_around = widest >= 0 && widest < barred.length();
  if (is_around)
    for (int length = barred.length(); length >= widest; --length) {
      const Prefix above(barred.address(), length);
      entries.push_back(above);
      if (length == widest) break;
      if (const auto sibling = sibling_of(above)) entries.push_back(*sibling);
    }
  if (is_around || splits) each_piece(barred, [&](const Prefix& piece) { entries.push_back(piece); });
}

/// `flip` makes a change of what is barred, and the next call takes it back. Entries are looked for in both states.
void Wanted::change_barred(const std::vector<Prefix>& where, const std::function<void()>& flip) {
  std::vector<Prefix> entries;
  flip();
  for (const Prefix& place : where) touched_by(place, entries);
  flip();
  for (const Prefix& place : where) touched_by(place, entries);
  change(std::move(entries), flip);
}

void Wanted::put(Set set, const Prefix& prefix, Time expires) {
  if (set == Set::white) {
    std::vector<Prefix> pieces;
    each_piece(prefix, [&](const Prefix& piece) { pieces.push_back(piece); });
    return change(std::move(pieces), [&] { white_.put(prefix, expires); });
  }
  const auto* former = trapped_.find(prefix);
  if (former && *former == expires) return;
  if (former)
    trapped_.put(prefix, expires);
  else
    change_barred({prefix}, [&, there = false]() mutable {
      if (there)
        trapped_.erase(prefix);
      else
        trapped_.put(prefix, expires);
      there = !there;
    });
  changed_(Set::trapped, prefix);
}

void Wanted::erase(Set set, const Prefix& prefix) {
  if (set == Set::white) {
    if (!white_.contains(prefix)) return changed_(Set::white, prefix);
    std::vector<Prefix> pieces;
    each_piece(prefix, [&](const Prefix& piece) { pieces.push_back(piece); });
    return change(std::move(pieces), [&] { white_.erase(prefix); });
  }
  const auto* former = trapped_.find(prefix);
  if (!former) return changed_(Set::trapped, prefix);
  change_barred({prefix}, [&, expires = *former, there = true]() mutable {
    if (there)
      trapped_.erase(prefix);
    else
      trapped_.put(prefix, expires);
    there = !there;
  });
  changed_(Set::trapped, prefix);
}

void Wanted::lease(const Address& client, Time until) {
  change({Prefix(client)}, [&] { leases_.put(Prefix(client), until); });
}

void Wanted::end_lease(const Address& client) {
  change({Prefix(client)}, [&] { leases_.erase(Prefix(client)); });
}

/// The entries of one and not of the other; both ascend.
void Wanted::tell_black(const PrefixSet& former, const PrefixSet& now) const {
  auto old_one = former.begin(), new_one = now.begin();
  while (old_one != former.end() || new_one != now.end()) {
    const bool has_old = old_one != former.end(), has_new = new_one != now.end();
    if (has_old && has_new && *old_one == *new_one) {
      ++old_one;
      ++new_one;
    } else if (has_old && (!has_new || *old_one < *new_one)) {
      changed_(Set::black, *old_one);
      ++old_one;
    } else {
      changed_(Set::black, *new_one);
      ++new_one;
    }
  }
}

void Wanted::show_black(std::shared_ptr<const PrefixSet> black) {
  const auto former = black_;
  const PrefixSet before = former ? *former : PrefixSet(), now = black ? *black : PrefixSet();
  const PrefixSet came = without(now, before), went = without(before, now);
  std::vector<Prefix> where;
  if (came.size() + went.size() <= white_.size() + leases_.size()) {
    for (const PrefixSet* difference : {&came, &went})
      for (const Prefix& prefix : *difference) where.push_back(prefix);
  } else {  // fewer rows than changes: then each row is looked at
    for (const auto& [row, expires] : white_) where.push_back(row);
    for (const auto& [client, until] : leases_) where.push_back(client);
  }
  const bool both_known = former && black;
  change_barred(where, [&] { std::swap(black_, black); });
  if (both_known) tell_black(before, now);
}

std::vector<Wanted::Gone> Wanted::replace(PrefixRows white, PrefixRows trapped) {
  std::swap(white_, white);
  std::swap(trapped_, trapped);
  std::vector<Gone> gone;
  for (const auto& [row, expires] : white)
    if (!white_.contains(row)) gone.push_back({Set::white, row});
  for (const auto& [row, expires] : trapped)
    if (!trapped_.contains(row)) gone.push_back({Set::trapped, row});
  white_count_ = 0;
  each_white([&](const Prefix&) { ++white_count_; });
  return gone;
}

}  // namespace deferd::pfbridge
