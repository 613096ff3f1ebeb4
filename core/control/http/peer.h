// Who is at the other end of a Unix socket.
#pragma once
#include <sys/types.h>

#include <optional>

namespace deferd {

struct Peer {
  uid_t uid = 0;
  gid_t gid = 0;
};

/// Nullopt when the system does not tell. Source: SO_PEERCRED (Linux), getpeereid(3) (BSD, macOS).
std::optional<Peer> peer_of(int socket);

}  // namespace deferd
