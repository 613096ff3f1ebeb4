// Numbers as names.
#pragma once
#include <cstdint>
#include <string>

namespace deferd::bench {

/// Greylisting takes digits in a sender for changing ones: senders told apart by them would be the same one to it.
inline std::string in_letters(std::uint64_t n) {
  std::string out;
  do out += static_cast<char>('a' + n % 26);
  while ((n /= 26) > 0);
  return out;
}

}  // namespace deferd::bench
