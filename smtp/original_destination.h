// Where a redirected client meant to go.
#pragma once
#include <sys/socket.h>

#include <cstdint>

#include "deferd/address.h"

namespace deferd::smtp {

/// One end of a connection; 0.0.0.0 and 0 if it has none (a unix socket).
struct Endpoint {
  Address address;
  std::uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
};

/// Of an accepted socket, what its client connected to: as the packet filter found it before it redirected, if the system tells
/// (Linux: SO_ORIGINAL_DST; FreeBSD and OpenBSD: pf, if open_redirections() could open it), else the socket's own address. That
/// is the same without a redirection, and with pf's divert-to. Does not block, never fails.
Endpoint original_destination(int socket);

/// What an address of a socket says.
Endpoint endpoint_of(const sockaddr_storage& address);

}  // namespace deferd::smtp
