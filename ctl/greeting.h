// The first words of a mail server.
#pragma once
#include <chrono>
#include <string>

#include "ctl/endpoint.h"
#include "deferd/result.h"

namespace deferd::ctl {

/// The first line that it says, without its end, 512 bytes at most; then the connection is closed. Errors: unavailable (nobody
/// listens, or it hung up without a word), busy (not in time).
Result<std::string> greeting(const Endpoint& endpoint, std::chrono::milliseconds patience);

}  // namespace deferd::ctl
