// Clients that leave at EHLO or in TLS without naming a recipient, as some do that find no STARTTLS: their connections are
// remembered by identity, and mature like tuples.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>

#include "deferd/session.h"

namespace deferd::greylist {

/// Whether sessions of this kind leave records: those of the SMTP front end, and those a rule tags `greylist.connect`. An MTA in
/// front of us (milter) offers all that clients look for, and many hosts only look.
bool leaves_records(const Session& session);

/// Which sessions under way have named a recipient: the state of a transaction is gone when a client says RSET and QUIT. A table
/// of fixed size without locks; only where four places are taken by others is one of them forgotten.
class SessionMarks {
 public:
  void mark(std::uint64_t session) {
    auto& set = set_of(session);
    for (const auto& place : set)
      if (place.load(std::memory_order_relaxed) == session) return;
    for (auto& place : set)
      if (replace(place, 0, session)) return;
    set.front().store(session, std::memory_order_relaxed);
  }
  /// Whether it was marked; it is not any more.
  bool take(std::uint64_t session) {
    for (auto& place : set_of(session))
      if (replace(place, session, 0)) return true;
    return false;
  }

 private:
  static constexpr std::size_t kSets = 4096;
  using Set = std::array<std::atomic<std::uint64_t>, 4>;

  Set& set_of(std::uint64_t session) { return sets_[(session * 0x9e3779b97f4a7c15) >> 52]; }
  static bool replace(std::atomic<std::uint64_t>& place, std::uint64_t from, std::uint64_t to) {
    return place.compare_exchange_strong(from, to, std::memory_order_relaxed);
  }

  std::array<Set, kSets> sets_{};
};

}  // namespace deferd::greylist
