// Sockets of `listen.smtp`: opened by the SMTP server itself, or before it exists, by who may bind a port below 1024.
#pragma once
#include <optional>
#include <vector>

#include "net/listener.h"
#include "smtp/smtp_address.h"

namespace deferd::smtp {

/// Errors: those of Listener::open().
Result<Listener> open_listener(const SmtpAddress& address, const SocketOwner& owner);

/// An entry of `listen.smtp` that is listened at already.
struct Bound {
  SmtpAddress address;
  std::optional<Listener> listener;  ///< Nullopt: this host did not have the address.
};

/// Listens at the TCP addresses, but for those that this host does not have. Unix sockets are left out, too: whoever opens
/// one as root in a folder of somebody else's follows that one's links. Throws ErrorException: busy, io.
std::vector<Bound> bind_tcp(const std::vector<SmtpAddress>& addresses);

/// Takes what `bound` has for `address` out of it; nullopt: there is nothing.
std::optional<Bound> take_bound(std::vector<Bound>& bound, const SmtpAddress& address);

}  // namespace deferd::smtp
