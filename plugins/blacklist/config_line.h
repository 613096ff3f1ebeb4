// The lines spamd-setup(8) sends to spamd's configuration port. Pure, bounded.
//
//   tag;"message";inet;COUNT;192.0.2.0/24;198.51.100.7/32      also with a group `inet6` before or behind
//   tag;"message";192.0.2.0/24;198.51.100.7/32                 the older form
//   tag;                                                       the list is emptied
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "deferd/prefix_set.h"

namespace deferd::blacklist {

struct ConfigLine {
  std::string tag;
  std::string message;        ///< In spamd's notation, as it was sent.
  PrefixSet set;              ///< Empty: the list is to be emptied.
  std::uint64_t entries = 0;  ///< As sent.
};

/// Whether a line end came behind a line.
enum class LineEnd : bool { missing, seen };

/// `text` without its line end. Without one only a line with counts is known to be whole: others may be cut off anywhere. Nothing
/// of a wrong line counts. Errors: invalid: the grammar, a count that is not that of the addresses, no addresses at all, prefixes
/// of length 0, a tag that is no word of at most 64 bytes, a line end that is missing.
Result<ConfigLine> parse_config_line(std::string_view text, LineEnd end = LineEnd::seen);

}  // namespace deferd::blacklist
