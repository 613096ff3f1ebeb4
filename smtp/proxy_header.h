// The PROXY protocol, versions 1 and 2, as balancers send it before the client's first byte. Pure.
// haproxy's proxy-protocol.txt, sections 2.1 and 2.2.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "deferd/address.h"
#include "deferd/result.h"

namespace deferd::smtp {

struct ProxyHeader {
  std::size_t size = 0;  ///< Bytes it took.
  /// No addresses: the balancer itself (a health check), or a client it cannot name (UNKNOWN, UNSPEC, a Unix socket). The
  /// connection's own addresses count.
  bool local = false;
  Address client, local_address;
  std::uint16_t client_port = 0, local_port = 0;
};

inline constexpr std::size_t kLongestProxyHeader = 536;  ///< Of version 2; a line of version 1 has at most 107 bytes.

/// Nothing yet: more bytes are needed (at most kLongestProxyHeader in all). TLVs are skipped.
/// Errors: invalid: it is no such header, hang up. Bytes that cannot begin one are refused at the first wrong byte.
Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view bytes);

/// Version 2, TCP; for handing a client over to an MTA. Both addresses of one family, or both are sent as IPv6.
std::string make_proxy_header_v2(const Address& client, std::uint16_t client_port, const Address& server,
                                 std::uint16_t server_port);

}  // namespace deferd::smtp
