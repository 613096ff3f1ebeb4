#include "http/peer.h"

#include <sys/socket.h>
#include <unistd.h>

namespace deferd {

std::optional<Peer> peer_of(int socket) {
  Peer peer;
#if defined(SO_PEERCRED) && defined(__linux__)
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  peer.uid = credentials.uid;
  peer.gid = credentials.gid;
#else
  if (::getpeereid(socket, &peer.uid, &peer.gid) != 0) return std::nullopt;
#endif
  return peer;
}

}  // namespace deferd
