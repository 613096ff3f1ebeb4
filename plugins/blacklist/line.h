// One line of a list: who it means. Pure.
//
//   192.0.2.7   2001:db8::1           an address; what stands behind it is ignored, also ` - words`
//   192.0.2.0/24   2001:db8::/32      a prefix, also with zeros left off: 10/8
//   192.0.2.1 - 192.0.2.9             a range with both its ends; with or without the hyphen, as spamd-setup(8) takes it
//   # ...   ; ...                     a comment
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "deferd/prefix_set.h"
#include "deferd/schema.h"

namespace deferd::blacklist {

enum class Format : std::uint8_t {
  plain,     ///< As above.
  postgrey,  ///< postgrey(8)'s list of clients as far as it is addresses: `192.0.2` is a prefix; names and /expressions/ are left
             ///< out.
};

struct Line {
  std::optional<AddressRange> range;  ///< Nothing: an empty line, a comment, a name in postgrey's format.
  std::string warning;                ///< What was made good: "host bits are set: taken as 192.0.2.0/24".
};

/// `text` without its line end; CR, blanks and tabs around it do not matter. Errors: invalid, for whatever else it is, prefixes
/// of length 0, and ranges that end before they begin.
Result<Line> parse_line(std::string_view text, Format format = Format::plain);

/// `192.0.2.0/24`, with set host bits cleared. Errors: invalid.
Result<Prefix> parse_masked(std::string_view address, std::string_view length);

}  // namespace deferd::blacklist

template <>
struct deferd::Choices<deferd::blacklist::Format> {
  static constexpr std::pair<std::string_view, blacklist::Format> values[] = {{"plain", blacklist::Format::plain},
                                                                              {"postgrey", blacklist::Format::postgrey}};
};
