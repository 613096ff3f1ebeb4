// Bytes of a client into lines. Pure: no I/O.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace deferd::smtp {

/// One line as it came, and what was odd about its end. Valid until the next call of the reader.
struct Line {
  std::string_view text;  ///< Without its end; at most the reader's limit, NUL bytes and all.
  bool bare_lf = false;   ///< Ended by LF alone.
  bool bare_cr = false;   ///< A CR stands inside.
  bool too_long = false;  ///< Cut: it went past the limit; the rest up to its end was dropped.
};

/// A line ends at LF, and at nothing else: a CR alone never ends one, so nothing can be smuggled past whoever reads after us
/// (RFC 5321 section 2.3.8). Holds at most the limit and one feed, if next() was called until it gave none before each feed; its
/// buffer grows by doubling. Not thread-safe.
class LineReader {
 public:
  static constexpr std::size_t kCommandLimit = 2048;  ///< RFC 5321 section 4.5.3.1.4 asks for 512, extensions for more.
  static constexpr std::size_t kTextLimit = 8192;     ///< Of lines after DATA; section 4.5.3.1.6 asks for 1000.

  /// Appends what was read.
  void feed(std::string_view bytes);
  /// The next complete line; none if more bytes are needed. `limit` may change from line to line. A line that is too long is
  /// given once its end has come, like any other.
  std::optional<Line> next(std::size_t limit);
  /// What was read and is not yet part of a line that next() gave: for hand-over, for STARTTLS (where it must be dropped: RFC
  /// 3207 section 4.2), and to tell early talkers. Of a line that next() has found too long, only its beginning.
  std::string_view pending() const;
  /// Forgets everything, also that a line was too long. Keeps the memory.
  void clear();
  /// Gives memory back when nothing is pending.
  void shrink();

 private:
  Line take(std::size_t end, std::size_t limit);
  void drop(std::size_t end);

  std::string buffer_;
  std::size_t start_ = 0;    // of what next() has not given yet
  std::size_t scanned_ = 0;  // no LF between start_ and here
  // Inside a line that was too long: its beginning lies between start_ and scanned_, the rest is gone but for what it was like.
  bool dropping_ = false;
  bool dropped_cr_ = false;  // a CR was dropped that was not the last byte
  bool last_is_cr_ = false;  // the last byte dropped was CR
};

}  // namespace deferd::smtp
