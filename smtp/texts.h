// What the front end says of itself: the expansions in configured texts.
#pragma once
#include <string>
#include <string_view>

#include "deferd/address.h"
#include "deferd/time.h"

namespace deferd::smtp {

/// What the expansions stand for.
struct TextFacts {
  std::string_view name;     ///< `%h`: our host name.
  std::string_view product;  ///< `%n`
  Address client;            ///< `%A`
  Time now{};                ///< `%d`: as spamd's banner has it, `Fri Nov 20 11:10:38 2026`, local time.
};

/// Replaces the expansions of `text`; `%%` is a percent sign. What is none stays as it is.
std::string expand(std::string_view text, const TextFacts& facts);

/// What is wrong with a configured text, for operators; empty if nothing. One line of printable ASCII, so that a reply fits into
/// the 512 bytes of RFC 5321 section 4.5.3.1.5.
std::string check_text(std::string_view text);

}  // namespace deferd::smtp
