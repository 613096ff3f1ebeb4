// What is learned from connections that the packet filter let through: spamlogd's half of the bridge. Who is white never meets
// deferd again, so only his connections show that he still writes; and whom our users write to will answer.
#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/host.h"
#include "deferd/schema.h"
#include "pfbridge/helper/recent.h"

namespace deferd::pfbridge {

struct WatchConfig {
  Value helper;                                                     ///< Where `deferd-helper --capture` is; null: no watching.
  bool outbound = true;                                             ///< off: spamlogd(8) -I
  std::chrono::seconds white_expiry = std::chrono::hours{24 * 36};  ///< spamlogd(8) -W
  std::vector<std::string> interfaces;                              ///< spamlogd(8) -i
  std::vector<Prefix> never;
  static Schema<WatchConfig> schema();
};

/// The source of our rows in the table `white`.
inline constexpr std::string_view kOutboundSource = "outbound";

/// One thread at a time. Calls may block on the tables, so they come from a thread that no mail waits for. They never throw; what
/// the tables refuse is logged when it begins and when it ends, counted, and made up for by the host's next connection.
///
/// A host counts once in five minutes each way, however often it connects; what comes faster than the tables should bear is
/// dropped and counted.
class Watcher {
 public:
  using OwnAddresses = std::function<std::vector<Address>()>;

  /// `host` outlives it; to be made within Plugin's making, as counters are made. `own`: this machine's addresses, asked for at
  /// most once a minute.
  Watcher(WatchConfig config, Host& host, OwnAddresses own = interface_addresses);

  /// `client` connected to our MTA. Its white row lives on (an exact one, or a wider one that was learned); who has none gets
  /// none, who is trapped stays so, and of who is exempt by his address nothing is learned.
  void inbound(const Address& client, std::string_view interface);

  /// A host of ours connected to the MTA at `server`: it becomes white, or its row lives on. Never a trapped or exempt one, an
  /// address that cannot be a stranger's (private, loopback, multicast), one of this machine, or one of `never`.
  void outbound(const Address& server, std::string_view interface);

  static std::vector<Address> interface_addresses();

 private:
  enum class Way : std::uint8_t { in, out };
  enum class What : std::uint8_t { refreshed, added, unknown, trapped, ours, repeated, other_interface, dropped, failed };
  static constexpr std::size_t kWhats = 9;

  void saw(Way way, const Address& host, std::string_view interface);
  What learn(Way way, const Address& host, std::string_view interface);
  bool is_ours(const Address& host);
  bool within_budget(SteadyTime now);

  const WatchConfig config_;
  Host& host_;
  const OwnAddresses own_;
  std::array<std::array<Counter*, kWhats>, 2> counters_{};
  std::array<bridge::Recent<Address>, 2> recent_;
  std::vector<Address> own_addresses_;
  SteadyTime own_read_{};
  double budget_;
  SteadyTime budget_at_{};
  bool failing_ = false;
};

}  // namespace deferd::pfbridge
