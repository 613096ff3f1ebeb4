// Clients that are let through the packet filter for a while because deferd could not judge them. From memory: most often it is
// the store that fails. A note in the store is made as soon as it can be, so that after a crash they are known to be ours. It
// stays until the tables were seen to be without them.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "deferd/host.h"
#include "pfbridge/wanted.h"

namespace deferd::pfbridge {

/// One thread.
class Leases {
 public:
  static constexpr std::size_t kMost = 10'000;

  explicit Leases(Wanted& wanted) : wanted_(wanted) {}

  /// False: there are too many already.
  bool give(const Address& client, Duration duration, const Clock& clock);
  /// Ends those whose time is over. True if there were any.
  bool step(const Clock& clock);
  std::size_t size() const { return ends_.size(); }
  /// And how long each lasts yet.
  std::vector<std::pair<Address, Duration>> running(const Clock& clock) const;

  /// An earlier run noted it: the note is of no use once the tables are without it.
  void was_noted(const Address& client);
  /// The tables hold no lease that is over: their notes go with the next note().
  void seen_gone();

  /// Writes what has changed. Errors: the store's; then it is written the next time.
  Result<void> note(Store& store);
  /// Those that were noted, of this run or of one before. Errors: the store's.
  static Result<std::vector<Address>> noted(Store& store);

 private:
  Wanted& wanted_;
  std::map<Address, SteadyTime> ends_;
  SteadyTime next_end_ = SteadyTime::max();
  std::set<Address> over_;                          // and perhaps still in a table
  std::map<Address, std::optional<Time>> to_note_;  // until when; nothing: the note goes
};

}  // namespace deferd::pfbridge
