// Who gets in, and who has to leave for it: counts of connections, and which of those kept busy is the least useful.
//
// A client is refused for its own network's sake first (too many of it are here, or come too fast), so one network can never have
// more than its share. When all places are taken, or there are more clients kept busy than there should be, the one that has been
// kept busy longest leaves, of the network that has most of them: so a newcomer gets its place at once as long as anybody is kept
// busy, and one bot does not end the tarpit for all others.
#pragma once
#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "deferd/address.h"
#include "deferd/time.h"
#include "smtp/rate_table.h"

namespace deferd::smtp {

/// See SmtpLimits.
struct AdmissionLimits {
  int total = 15'000;
  int kept = 10'000;
  int per_prefix = 100;
  int new_per_prefix = 60;  ///< 0: no limit.
  int tls = 2'000;
};

/// The /24 or /64 of an address.
Prefix network_of(const Address& client);

class Admission;

/// A connection in the books. `lane` names the thread it lives in.
class Guest {
 public:
  explicit Guest(unsigned lane) : lane_(lane) {}
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

 protected:
  ~Guest() = default;  ///< After Admission::leave().

 private:
  friend class Admission;
  struct Network;
  using Hook = boost::intrusive::list_member_hook<>;

  Network* network_ = nullptr;
  Hook hook_;  // among the held of its network, or among those that must leave its lane
  const unsigned lane_;
  bool counted_ = false;
  bool held_ = false;
  bool tls_ = false;
  bool must_leave_ = false;
};

/// Thread-safe. Knows no clock and no sockets.
class Admission {
 public:
  enum class Refusal : std::uint8_t {
    none,
    total,   ///< All places are taken, by clients that cannot be sent away.
    prefix,  ///< Too many of its network are here.
    rate,    ///< Too many of its network come.
  };
  struct Answer {
    Refusal refusal = Refusal::none;
    std::optional<unsigned> lane;  ///< A guest there has to leave: have that thread call next_to_leave().
  };
  struct Counts {
    int total = 0, held = 0, tls = 0;
  };

  Admission(const AdmissionLimits& limits, unsigned lanes);
  ~Admission();

  void configure(const AdmissionLimits& limits);  ///< For those who come from now on.

  /// A place for a newcomer. Without a network (a unix socket, a balancer) only the total counts. If it is refused, leave() is
  /// not needed.
  Answer enter(Guest& guest, const std::optional<Prefix>& network, SteadyTime now);
  /// It has a place, and now it is known where it comes from. If it is refused it still has its place, till leave().
  Refusal name(Guest& guest, const Prefix& network, SteadyTime now);
  /// It is turned away and kept busy from now on. A lane: a guest there (perhaps this one) has to leave.
  std::optional<unsigned> hold(Guest& guest);
  /// False: there are enough inside TLS.
  bool start_tls(Guest& guest);
  bool tls_full() const;
  void leave(Guest& guest);

  /// Descriptors or memory are short: a lane in which a guest has to leave; none if nobody is kept busy.
  std::optional<unsigned> release_one();
  /// Called by the lane's thread, until there is none. It must be sent away; leave() is still due.
  Guest* next_to_leave(unsigned lane);

  Counts counts() const;

 private:
  friend struct Guest::Network;
  using Network = Guest::Network;
  using Guests = boost::intrusive::list<Guest, boost::intrusive::member_hook<Guest, Guest::Hook, &Guest::hook_>>;
  struct Networks;

  Refusal join(Guest& guest, const Prefix& prefix, SteadyTime now);
  std::optional<unsigned> send_away();
  void move(Network& network, std::size_t held_before);  // its number of held guests has changed
  void unhold(Guest& guest);

  mutable std::mutex mutex_;
  AdmissionLimits limits_;
  Counts counts_;
  RateTable rates_;
  std::unique_ptr<Networks> networks_;
  std::vector<Guests> leaving_;  // by lane
};

}  // namespace deferd::smtp
