// What the packet filter of the operating system remembers of a redirected connection. One implementation a system.
#pragma once
#include <optional>
#include <string>

#include "smtp/original_destination.h"

namespace deferd::smtp {

/// Opens what only root may, where the system has such a thing (/dev/pf, for reading): call it before root becomes somebody else,
/// and before connections are accepted. Once it is open nothing more is done. Empty, or why redirections will not be known.
std::string open_redirections();

/// The destination that the client's first packet had, of an accepted TCP socket whose own end is `own`. nullopt: it is not
/// known. Does not block; any thread.
std::optional<Endpoint> destination_before_redirect(int socket, const Endpoint& own);

}  // namespace deferd::smtp
