// What the packet filter logged, turned into "this host opened an SMTP connection, and it was let through". pflog(4) of all
// systems, Linux NFLOG (DLT_NFLOG). Bytes come from the wire: every length is checked before it is used.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "pfbridge/helper/entry.h"

namespace deferd::bridge {

using Bytes = std::span<const std::uint8_t>;

/// Data link types of pcap: https://www.tcpdump.org/linktypes.html
inline constexpr int kLinkPflog = 117;
inline constexpr int kLinkNflog = 239;

enum class Direction : std::uint8_t { in, out };

/// The first packet of a TCP connection to an SMTP port that was let through. (spamlogd(8) also takes one *from* port 25: no mail
/// comes from there, but anybody may choose his port.)
struct Connection {
  Direction direction = Direction::in;
  Entry source, target;
  std::uint16_t source_port = 0, target_port = 0;
  std::string interface;  ///< As logged; NFLOG gives only a number: "3".

  /// Whom it says something about: who writes to us, or to whom our users write.
  const Entry& peer() const { return direction == Direction::in ? source : target; }
};

/// Reads one captured packet of an SMTP connection's beginning (SYN without ACK). nullopt: anything else, or cut short, or lying
/// about lengths.
///
/// pflog: only records of action "pass". The header's own length byte says where the packet begins (61, 69, 100 ...: it differs
/// between systems), rounded up to 4.
std::optional<Connection> read_pflog(Bytes record, std::uint16_t port = 25);

/// NFLOG: everything a rule sends to the group was let through, so the rule must be one that accepts. Which way is told by `as`,
/// for a group that rules of one direction feed; without it by the interfaces: a packet with an input interface came in, also one
/// that is forwarded.
std::optional<Connection> read_nflog(Bytes record, std::optional<Direction> as = std::nullopt, std::uint16_t port = 25);

}  // namespace deferd::bridge
