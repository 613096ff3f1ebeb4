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
/// of fixed size without locks; of two sessions in one place the later one counts.
class SessionMarks {
 public:
  void mark(std::uint64_t session) { place(session).store(session, std::memory_order_relaxed); }
  /// Whether it was marked; it is not any more.
  bool take(std::uint64_t session) { return place(session).compare_exchange_strong(session, 0, std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kPlaces = 16384;
  std::atomic<std::uint64_t>& place(std::uint64_t session) { return places_[(session * 0x9e3779b97f4a7c15) >> 50]; }

  std::array<std::atomic<std::uint64_t>, kPlaces> places_{};
};

}  // namespace deferd::greylist
