// Lines taken apart.
#pragma once
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace deferd::ctl {

/// Decimal, of the whole text; never below 0.
inline std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || read.ec != std::errc{} || read.ptr != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

inline std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// Words between blanks and tabs.
inline std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    const auto begin = text.find_first_not_of(" \t\r");
    if (begin == text.npos) return words;
    text.remove_prefix(begin);
    const auto end = text.find_first_of(" \t\r");
    words.push_back(text.substr(0, end));
    if (end == text.npos) return words;
    text.remove_prefix(end);
  }
}

inline std::string_view without_brackets(std::string_view address) {
  if (address.size() >= 2 && address.front() == '<' && address.back() == '>') return address.substr(1, address.size() - 2);
  return address;
}

/// Calls `take(line, number)` for each line, without its end.
template <class Take>
void each_line_of(std::string_view text, Take take) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    take(line, number);
    if (end == text.npos) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace deferd::ctl
