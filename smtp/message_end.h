// Finds where a message ends in what a client says after DATA. Pure.
//
// Somebody behind us must not see another end than we do, or what follows it is taken for commands there and for text here
// (SMTP smuggling). The end is CR LF . CR LF and nothing else (RFC 5321 section 4.1.1.4). A dot alone on its line whose line ends
// are others (LF . LF, LF . CR LF, CR LF . CR ...) is in doubt: there are MTAs that take it for an end. So is one with NULs at
// its sides, which some drop, and others take for the end of a line.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace deferd::smtp {

class MessageEnd {
 public:
  enum class Found : std::uint8_t { nothing, end, doubt };
  struct Seen {
    Found found = Found::nothing;
    /// So many of the bytes may go on: up to and with the end, or up to the doubtful dot. If nothing was found, all but at most
    /// two: these must be the first of the next call.
    std::size_t size = 0;
  };

  /// `bytes` follow those that may go on of the calls before; the first follow DATA's CR LF. Fast: looks at dots only.
  Seen look(std::string_view bytes);

 private:
  Seen seen(Found found, std::string_view bytes, std::size_t size);

  char before_[2] = {'\r', '\n'};  // the last two bytes that went on
};

}  // namespace deferd::smtp
