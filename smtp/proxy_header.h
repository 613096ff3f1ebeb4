// The PROXY protocol, versions 1 and 2, as balancers send it before the client's first byte. Pure.
// haproxy's proxy-protocol.txt, sections 2.1 and 2.2.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "deferd/address.h"
#include "deferd/result.h"

namespace deferd::smtp {

struct ProxyHeader {
  std::size_t size = 0;  ///< Bytes it took.
  bool local = false;    ///< The balancer itself (a health check): no addresses.
  Address client, local_address;
  std::uint16_t client_port = 0, local_port = 0;
};

/// Nothing yet: more bytes are needed (at most 536). Errors: invalid: it is no such header; hang up.
Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view bytes);

/// Version 2, TCP; for handing a client over to an MTA. Both addresses of one family, or both are sent as IPv6.
std::string make_proxy_header_v2(const Address& client, std::uint16_t client_port, const Address& server,
                                 std::uint16_t server_port);

}  // namespace deferd::smtp
