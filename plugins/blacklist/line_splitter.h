// Cuts a text that comes in pieces into lines.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace deferd::blacklist {

/// Lines are numbered from 1. Of a line longer than kLongest only its beginning is given, one byte more than that.
class LineSplitter {
 public:
  static constexpr std::size_t kLongest = 4096;

  /// Calls `take(line, number)` for each line that is complete; an error of it ends the text. Returns its error.
  template <class Take>
  auto feed(std::string_view bytes, Take&& take) -> decltype(take(bytes, std::uint64_t())) {
    while (!bytes.empty()) {
      const auto end = bytes.find('\n');
      const auto part = bytes.substr(0, end);
      if (end == bytes.npos || !partial_.empty()) partial_.append(part.substr(0, kLongest + 1 - partial_.size()));
      if (end == bytes.npos) return {};
      auto taken = take(partial_.empty() ? part.substr(0, kLongest + 1) : std::string_view(partial_), ++number_);
      partial_.clear();
      if (!taken) return taken;
      bytes.remove_prefix(end + 1);
    }
    return {};
  }

  /// A last line without a line end counts.
  template <class Take>
  auto finish(Take&& take) -> decltype(take(std::string_view(), std::uint64_t())) {
    if (partial_.empty()) return {};
    return take(std::string_view(partial_), ++number_);
  }

 private:
  std::string partial_;
  std::uint64_t number_ = 0;
};

}  // namespace deferd::blacklist
