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
/// (RFC 5321 section 2.3.8). Memory: at most the limit and one read.
class LineReader {
 public:
  static constexpr std::size_t kCommandLimit = 2048;  ///< RFC 5321 section 4.5.3.1.4 asks for 512, extensions for more.
  static constexpr std::size_t kTextLimit = 8192;     ///< Of lines after DATA; section 4.5.3.1.6 asks for 1000.

  /// Appends what was read.
  void feed(std::string_view bytes);
  /// The next complete line; none if more bytes are needed. `limit` may change from line to line.
  std::optional<Line> next(std::size_t limit);
  /// What was read and is not yet part of a line that next() gave: for hand-over, for STARTTLS (where it must be dropped: RFC
  /// 3207 section 4.2), and to tell early talkers.
  std::string_view pending() const;
  void clear();
  /// Gives memory back when nothing is pending.
  void shrink();

 private:
  std::string buffer_;
  std::size_t start_ = 0;    // of what next() has not given yet
  std::size_t scanned_ = 0;  // no LF before here
  bool dropping_ = false;    // inside a line that was too long
};

}  // namespace deferd::smtp
