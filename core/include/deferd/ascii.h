// ASCII as mail protocols mean it: no locale. Bytes above 127 are neither digits nor letters, and have no case.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace deferd {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
constexpr bool is_alnum(char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z'); }

inline std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

/// Whether `text` begins with `start`, which is in small letters.
constexpr bool starts_with_folded(std::string_view text, std::string_view start) {
  if (text.size() < start.size()) return false;
  for (std::size_t i = 0; i < start.size(); ++i)
    if (lower(text[i]) != start[i]) return false;
  return true;
}

}  // namespace deferd
