#include "pfbridge/leases.h"

#include <algorithm>

namespace deferd::pfbridge {
namespace {

constexpr std::string_view kGroup = "lease";
constexpr Duration kNoteKept = std::chrono::days{30};  // by then somebody has read the table back
constexpr std::size_t kNotesAtOnce = 1000;
constexpr char kNoted = '1';

}  // namespace

bool Leases::give(const Address& client, Duration duration, const Clock& clock) {
  const auto now = clock.steady();
  const auto known = ends_.find(client);
  if (known != ends_.end() && known->second - now > duration / 2) return true;
  if (known == ends_.end() && ends_.size() >= kMost) return false;
  ends_[client] = now + duration;
  next_end_ = std::min(next_end_, now + duration);
  const Time until = clock.now() + duration;
  to_note_[client] = until;
  wanted_.lease(client, until);
  return true;
}

void Leases::step(const Clock& clock) {
  const auto now = clock.steady();
  if (now < next_end_) return;
  next_end_ = SteadyTime::max();
  for (auto lease = ends_.begin(); lease != ends_.end();) {
    if (now < lease->second) {
      next_end_ = std::min(next_end_, lease->second);
      ++lease;
      continue;
    }
    to_note_[lease->first] = std::nullopt;
    wanted_.end_lease(lease->first);
    lease = ends_.erase(lease);
  }
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
