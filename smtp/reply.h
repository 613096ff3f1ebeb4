// Replies as bytes on the wire. RFC 5321 section 4.2.
#pragma once
#include <string>
#include <string_view>

#include "deferd/verdict.h"

namespace deferd::smtp {

/// `text` may have several lines, `\n` between them: each gets the code, `-` on all but the last, the enhanced code (if any) and
/// CR LF. Only printable ASCII goes out, other bytes as `?`; at most 32 lines of 500 bytes. An empty last line is dropped.
std::string format_reply(int code, std::string_view enhanced, std::string_view text);

/// What a decision sounds like: a defer never goes out as 5xx, nor a reject as 4xx; a close is 421 unless it says otherwise.
std::string format_reply(const Decision& decision);

}  // namespace deferd::smtp
