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
  Listener listener;
};

/// Listens at the TCP addresses; those that this host does not have are left out. Unix sockets are left out, too: whoever opens
/// one as root in a folder of somebody else's follows that one's links. Throws ErrorException: busy, io.
std::vector<Bound> bind_tcp(const std::vector<SmtpAddress>& addresses);

/// Takes the one for `address` out of `bound`; nullopt: there is none.
std::optional<Listener> take_bound(std::vector<Bound>& bound, const SmtpAddress& address);

}  // namespace deferd::smtp
