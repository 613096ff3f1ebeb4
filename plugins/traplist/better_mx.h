// Whether every better MX is known to have accepted connections for long enough. What is not known counts as down: honest senders
// go to the MX of the lowest priority for good reason then.
#pragma once
#include <mutex>
#include <optional>
#include <vector>

#include "deferd/time.h"

namespace deferd::traplist {

/// Thread-safe.
class BetterMx {
 public:
  /// Of `count` servers. A gap of more than `gap` between two greetings counts as an outage.
  BetterMx(std::size_t count, Duration proven, std::chrono::milliseconds gap);

  /// One server was asked; the question began at `begun`.
  void heard(std::size_t server, bool accepts, SteadyTime begun);

  /// Every server accepted connections from `proven` before `moment` until a question that began after `moment`.
  /// Nothing as long as that question is still to come; false is for ever.
  std::optional<bool> accepted_around(SteadyTime moment) const;

 private:
  struct Server {
    std::optional<SteadyTime> since;  // accepts, as far as known, since then
    SteadyTime last{};                // the latest question that was answered well began then
  };
  const Duration proven_;
  const std::chrono::milliseconds gap_;
  mutable std::mutex mutex_;
  std::vector<Server> servers_;
};

}  // namespace deferd::traplist
