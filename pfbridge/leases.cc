#include "pfbridge/leases.h"

#include <algorithm>

namespace deferd::pfbridge {
namespace {

constexpr std::string_view kGroup = "lease";
constexpr Duration kNoteKept = std::chrono::days{30};  // by then somebody has read the table back
constexpr std::size_t kNotesAtOnce = 1000;
constexpr std::size_t kMostOver = 100'000;  // notes of more go when their time is over
constexpr char kNoted = '1';

}  // namespace

bool Leases::give(const Address& client, Duration duration, const Clock& clock) {
  const auto now = clock.steady();
  const auto known = ends_.find(client);
  if (known != ends_.end() && known->second - now > duration / 2) return true;
  if (known == ends_.end() && ends_.size() >= kMost) return false;
  ends_[client] = now + duration;
  over_.erase(client);
  next_end_ = std::min(next_end_, now + duration);
  const Time until = clock.now() + duration;
  to_note_[client] = until;
  wanted_.lease(client, until);
  return true;
}

bool Leases::step(const Clock& clock) {
  const auto now = clock.steady();
  if (now < next_end_) return false;
  const auto before = ends_.size();
  next_end_ = SteadyTime::max();
  for (auto lease = ends_.begin(); lease != ends_.end();) {
    if (now < lease->second) {
      next_end_ = std::min(next_end_, lease->second);
      ++lease;
      continue;
    }
    if (over_.size() < kMostOver) over_.insert(lease->first);
    wanted_.end_lease(lease->first);
    lease = ends_.erase(lease);
  }
  return ends_.size() != before;
}

std::vector<std::pair<Address, Duration>> Leases::running(const Clock& clock) const {
  std::vector<std::pair<Address, Duration>> all;
  for (const auto& [client, end] : ends_)
    if (const auto rest = std::chrono::duration_cast<Duration>(end - clock.steady()); rest > Duration{0})
      all.emplace_back(client, rest);
  return all;
}

void Leases::was_noted(const Address& client) {
  if (!ends_.contains(client) && over_.size() < kMostOver) over_.insert(client);
}

void Leases::seen_gone() {
  for (const Address& client : std::exchange(over_, {})) to_note_[client] = std::nullopt;
}

Result<void> Leases::note(Store& store) {
  if (to_note_.empty()) return {};
  std::vector<Change> changes;
  for (const auto& [client, until] : to_note_) {
    Change change;
    change.key = client.to_string();
    if (until) {
      change.value.emplace(1, kNoted);
      change.expires = *until + kNoteKept;
    }
    changes.push_back(std::move(change));
  }
  if (auto done = store.commit(kGroup, changes); !done) return done;
  to_note_.clear();
  return {};
}

Result<std::vector<Address>> Leases::noted(Store& store) {
  std::vector<Address> clients;
  std::string cursor;
  do {
    auto page = store.scan(kGroup, cursor, kNotesAtOnce);
    if (!page) return tl::unexpected(page.error());
    for (const auto& record : page->records)
      if (const auto client = Address::parse(record.key); client && record.group == kGroup) clients.push_back(*client);
    cursor = std::move(page->cursor);
  } while (!cursor.empty());
  return clients;
}

}  // namespace deferd::pfbridge
