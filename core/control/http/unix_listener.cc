#include "http/unix_listener.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace deferd {
namespace {

tl::unexpected<Error> system_error(const std::string& path, const char* what) {
  return fail(Errc::io, path + ": " + what + ": " + std::strerror(errno));
}

}  // namespace

Result<void> check_socket_path(const std::string& path) {
  constexpr std::size_t kLimit = sizeof(sockaddr_un::sun_path) - 1;
  if (path.empty() || path.find('\0') != std::string::npos) return fail(Errc::invalid, "the path of a socket is missing");
  if (path.size() > kLimit)
    return fail(Errc::invalid, path + ": a socket's path can have " + std::to_string(kLimit) + " bytes, this one has " +
                                   std::to_string(path.size()));
  return {};
}

Result<UnixListener> UnixListener::open(const std::string& path, const SocketOwner& owner) {
  if (auto fits = check_socket_path(path); !fits) return tl::unexpected(fits.error());
  auto guard = SocketGuard::lock(path);
  if (!guard) return tl::unexpected(guard.error());
  UnixListener listener(std::move(*guard), path, ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (listener.socket_ < 0) return system_error(path, "cannot make a socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (::bind(listener.socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return system_error(path, "cannot bind it");
  // Between bind() and listen() nobody can connect, so the order leaves no gap.
  if (auto adopted = listener.guard_.adopt(owner); !adopted) return tl::unexpected(adopted.error());
  if (::listen(listener.socket_, 64) != 0) return system_error(path, "cannot listen on it");
  return listener;
}

UnixListener::~UnixListener() {
  if (socket_ >= 0) ::close(socket_);
}

}  // namespace deferd
