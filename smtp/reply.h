// Replies as bytes on the wire. RFC 5321 section 4.2.
#pragma once
#include <string>
#include <string_view>

#include "deferd/verdict.h"

namespace deferd::smtp {

/// `text` may have several lines, `\n` or CR LF between them: each gets the code, `-` on all but the last, the enhanced code (if
/// any) and CR LF. Only printable ASCII goes out, other bytes as `?`. At most 32 lines of 500 bytes, code and all; what is more
/// is cut. Empty lines at the end are dropped.
std::string format_reply(int code, std::string_view enhanced, std::string_view text);

/// What a decision sounds like: a defer never goes out as 5xx, nor a reject as 4xx; a close is 421 unless it says otherwise. An
/// enhanced code that is none, or of another class, is replaced by the action's. A pass sounds like a defer: there is no 2xx.
std::string format_reply(const Decision& decision);

}  // namespace deferd::smtp
