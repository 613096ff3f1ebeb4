#pragma once
#include <string>
#include <string_view>

namespace deferd::blacklist {

/// SHA-256 in small hex digits, as sha256sum(1) prints it.
std::string sha256_of(std::string_view bytes);

}  // namespace deferd::blacklist
