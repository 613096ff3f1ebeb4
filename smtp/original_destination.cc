#include "smtp/original_destination.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "smtp/redirected.h"

namespace deferd::smtp {

Endpoint endpoint_of(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &storage, sizeof v4);
    return {Address::v4(ntohl(v4.sin_addr.s_addr)), ntohs(v4.sin_port)};
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &storage, sizeof v6);
    std::array<std::uint8_t, 16> bytes;
    std::copy_n(v6.sin6_addr.s6_addr, bytes.size(), bytes.begin());
    return {Address::v6(bytes), ntohs(v6.sin6_port)};
  }
  return {};
}

Endpoint original_destination(int socket) {
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  const auto local = ::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &size) == 0 ? endpoint_of(own) : Endpoint{};
  if (local.port == 0) return local;
  return destination_before_redirect(socket, local).value_or(local);
}

}  // namespace deferd::smtp
