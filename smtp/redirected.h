// What the packet filter of the operating system remembers of a redirected connection. One implementation a system.
#pragma once
#include <sys/socket.h>

namespace deferd::smtp {

/// Fills in the destination the client's first packet had. `v4`: the connection is IPv4. False if it is not known.
bool destination_before_redirect(int socket, bool v4, sockaddr_storage& out);

}  // namespace deferd::smtp
