// The message of a client that is held: read to the end of its headers and ten lines on, then it is enough. Nothing of it is
// kept. spamd(8) does the same; it tells the operator what the client was after.
#pragma once
#include <cstdint>
#include <string_view>

#include "deferd/host.h"

namespace deferd::smtp {

/// A few bytes. Used by one thread.
class HeldMessage {
 public:
  static constexpr int kBodyLines = 10;
  static constexpr std::size_t kLongestLogged = 200;  ///< Of a header line.

  void begin() { part_ = Part::headers; }
  bool reading() const { return part_ == Part::headers || part_ == Part::body; }

  /// One line after DATA. True: that was the last one to read, `.` or the tenth of the body. The first From:, To: and Subject:
  /// each make a line `smtp.held` in the log.
  bool line(std::string_view text, std::uint64_t session, const Address& client, Log& log);

 private:
  enum class Part : std::uint8_t { none, headers, body, over };

  void note_header(std::string_view text, std::uint64_t session, const Address& client, Log& log);

  Part part_ = Part::none;
  std::uint8_t body_lines_ = 0;
  std::uint8_t logged_ = 0;  // a bit each of the headers
};

}  // namespace deferd::smtp
