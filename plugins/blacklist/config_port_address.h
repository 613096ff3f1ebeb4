// Where the configuration port listens, and who may speak there.
#pragma once
#include <sys/socket.h>

#include <cstdint>
#include <string_view>

#include "deferd/address.h"

namespace deferd::blacklist {

struct PortAddress {
  Address address;
  std::uint16_t port = 0;

  /// `127.0.0.1:8026`, `[::1]:8026`. Errors: invalid, also if it is no loopback address.
  static Result<PortAddress> parse(std::string_view text);
  /// Errors: invalid, of a family without ports.
  static Result<PortAddress> of(const sockaddr_storage& address);

  /// As an argument for bind(2). Returns its length.
  socklen_t fill(sockaddr_storage& out) const;
  std::string to_string() const;

  /// Only root can connect from such a port, and only from this machine: spamd(8).
  bool may_configure() const;

  bool operator==(const PortAddress&) const = default;
};

bool is_loopback(const Address& address);

}  // namespace deferd::blacklist
