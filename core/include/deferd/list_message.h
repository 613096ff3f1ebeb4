// The text that a block list has for the clients on it, in spamd's notation. spamd.conf(5) "msg".
#pragma once
#include <string>
#include <string_view>

#include "deferd/address.h"

namespace deferd {

/// What `client` is told: `%A` is its address, `%%` a percent sign, `\n` a line break, `\"` a quote, `\\` a backslash; any other
/// `%x` or `\x` stays as it is. spamd(8)'s odd cases hold: `\%` is a backslash, `%\` a percent sign.
/// Without line breaks at the end: put `\n` between the messages of several lists (Reply::text).
std::string list_message(std::string_view text, const Address& client);

}  // namespace deferd
