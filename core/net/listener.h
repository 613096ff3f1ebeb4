// A listening socket: a unix socket with an owner, of which a stale one is replaced and a live one never taken, or TCP.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "base/socket_guard.h"
#include "deferd/address.h"
#include "deferd/result.h"

namespace deferd {

/// Fits into sun_path? Errors: invalid, with the limit.
Result<void> check_socket_path(const std::string& path);

/// Its descriptor is non-blocking and closed on exec. Movable; used by one thread at a time, but accept() on the descriptor may
/// be called by any.
class Listener {
 public:
  struct Tcp {
    Address address;         ///< 0.0.0.0 or :: for every interface; an IPv6 one takes no IPv4 connections.
    std::uint16_t port = 0;  ///< 0: any that is free; port() tells which.
    /// The address may be one that this host does not have (yet): that of a CARP or VRRP backup. FreeBSD and OpenBSD allow it to
    /// root only.
    bool freebind = false;
    bool operator==(const Tcp&) const = default;
  };
  static constexpr int kBacklog = 1024;

  /// Errors: invalid (path too long, no such user or group, no socket at the path), busy (another process serves it), io.
  static Result<Listener> open(const std::string& path, const SocketOwner& owner, int backlog = kBacklog);
  /// Errors: busy (another process has address and port), unavailable (this host does not have the address), io.
  static Result<Listener> open(const Tcp& where, int backlog = kBacklog);

  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&&) = delete;
  ~Listener();  ///< Closes the descriptor; a unix socket is removed, if nobody has replaced it.

  int descriptor() const { return socket_; }
  const std::string& path() const { return path_; }  ///< Of a unix socket, else empty.
  std::uint16_t port() const { return port_; }       ///< Of a TCP socket, the real one; else 0.

  /// Gives a unix socket to another owner. Errors: invalid, io; then it may be half done.
  Result<void> give_to(const SocketOwner& owner);

 private:
  explicit Listener(int socket) : socket_(socket) {}

  std::optional<SocketGuard> guard_;
  std::string path_;
  std::uint16_t port_ = 0;
  int socket_;
};

}  // namespace deferd
