// Lines of the log as OpenBSD spamd writes them, for the tools that read those (fail2ban filters, statistics).
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "deferd/host.h"

namespace deferd {

/// Appends what spamd(8) says of an event, without a line end. False, and nothing is appended, if it has no words for it.
///
///     listening for incoming connections.
///     192.0.2.7: connected (12/3)
///     (GREY) 192.0.2.7: <a@example.org> -> <b@example.net>
///     (BLACK) 192.0.2.7: <a@example.org> -> <b@example.net>
///     192.0.2.7: From: anna <a@example.org>
///     192.0.2.7: disconnected after 42 seconds. lists: blacklist
///
/// GREY are recipients that were turned away, BLACK those of clients that are held. Other than spamd's, strangers' bytes are
/// escaped.
bool append_spamd_line(std::string& out, std::string_view event, std::span<const Field> fields);

}  // namespace deferd
