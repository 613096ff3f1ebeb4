#include "net/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace deferd {
namespace {

tl::unexpected<Error> system_error(const std::string& where, const char* what) {
  const auto code = errno == EADDRINUSE ? Errc::busy : errno == EADDRNOTAVAIL ? Errc::unavailable : Errc::io;
  return fail(code, where + ": " + what + ": " + std::strerror(errno));
}

int make_socket(int family) { return ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

void turn_on(int socket, int level, int option) {
  const int on = 1;
  ::setsockopt(socket, level, option, &on, sizeof on);
}

// Where it is not possible, bind() says so.
void allow_absent_address([[maybe_unused]] int socket, [[maybe_unused]] bool v6) {
#if defined(IP_FREEBIND)  // Linux; holds for IPv6, too
  turn_on(socket, IPPROTO_IP, IP_FREEBIND);
#elif defined(IP_BINDANY)  // FreeBSD
  turn_on(socket, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_BINDANY : IP_BINDANY);
#elif defined(SO_BINDANY)  // OpenBSD
  turn_on(socket, SOL_SOCKET, SO_BINDANY);
#endif
}

// A connection's first lines are not acknowledged by a packet of their own, since answers to them follow (tcp(7)). To be called
// when the socket listens already; accepted sockets have it, too.
void acknowledge_with_answers([[maybe_unused]] int socket) {
#if defined(TCP_QUICKACK)
  const int off = 0;
  ::setsockopt(socket, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off);
#endif
}

union InternetAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

socklen_t fill(InternetAddress& out, const Address& address, std::uint16_t port) {
  std::memset(&out, 0, sizeof out);
  const auto bytes = address.bytes();
  if (address.is_v4()) {
    out.v4.sin_family = AF_INET;
    out.v4.sin_port = htons(port);
    std::memcpy(&out.v4.sin_addr, bytes.data(), bytes.size());
    return sizeof out.v4;
  }
  out.v6.sin6_family = AF_INET6;
  out.v6.sin6_port = htons(port);
  std::memcpy(&out.v6.sin6_addr, bytes.data(), bytes.size());
  return sizeof out.v6;
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

Result<Listener> Listener::open(const std::string& path, const SocketOwner& owner, int backlog) {
  if (auto fits = check_socket_path(path); !fits) return tl::unexpected(fits.error());
  auto guard = SocketGuard::lock(path);
  if (!guard) return tl::unexpected(guard.error());
  Listener listener(make_socket(AF_UNIX));
  listener.guard_.emplace(std::move(*guard));
  listener.path_ = path;
  if (listener.socket_ < 0) return system_error(path, "cannot make a socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (::bind(listener.socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return system_error(path, "cannot bind it");
  // Between bind() and listen() nobody can connect, so the order leaves no gap.
  if (auto adopted = listener.give_to(owner); !adopted) return tl::unexpected(adopted.error());
  if (::listen(listener.socket_, backlog) != 0) return system_error(path, "cannot listen on it");
  return listener;
}

Result<Listener> Listener::open(const Tcp& where, int backlog) {
  const bool v6 = !where.address.is_v4();
  std::string name = where.address.to_string();
  if (v6) name = std::string("[").append(name).append("]");
  name.append(":").append(std::to_string(where.port));
  Listener listener(make_socket(v6 ? AF_INET6 : AF_INET));
  if (listener.socket_ < 0) return system_error(name, "cannot make a socket");
  turn_on(listener.socket_, SOL_SOCKET, SO_REUSEADDR);
  turn_on(listener.socket_, IPPROTO_TCP, TCP_NODELAY);  // accepted sockets have it, too
  if (v6) turn_on(listener.socket_, IPPROTO_IPV6, IPV6_V6ONLY);
  if (where.freebind) allow_absent_address(listener.socket_, v6);
  InternetAddress address;
  socklen_t size = fill(address, where.address, where.port);
  if (::bind(listener.socket_, &address.any, size) != 0) return system_error(name, "cannot bind it");
  if (::listen(listener.socket_, backlog) != 0) return system_error(name, "cannot listen on it");
  acknowledge_with_answers(listener.socket_);
  if (::getsockname(listener.socket_, &address.any, &size) != 0) return system_error(name, "cannot tell its port");
  listener.port_ = ntohs(v6 ? address.v6.sin6_port : address.v4.sin_port);
  return listener;
}

Listener::Listener(Listener&& other) noexcept
    : guard_(std::move(other.guard_)),
      path_(std::move(other.path_)),
      port_(other.port_),
      socket_(std::exchange(other.socket_, -1)) {
  other.guard_.reset();
}

Listener::~Listener() {
  if (socket_ >= 0) ::close(socket_);
}

Result<void> Listener::give_to(const SocketOwner& owner) { return guard_ ? guard_->adopt(owner) : Result<void>(); }

}  // namespace deferd
