// One command line into its verb and arguments. Pure. RFC 5321 section 4.1.
#pragma once
#include <cstdint>
#include <string_view>

namespace deferd::smtp {

inline constexpr std::string_view kBlanks = " \t";  ///< What is between the words of a line.

enum class Verb : std::uint8_t { helo, ehlo, mail, rcpt, data, rset, noop, quit, vrfy, expn, help, starttls, auth, bdat, other };
std::string_view to_string(Verb verb);  ///< "MAIL"; "other".

/// Points into the line it was parsed from.
struct Command {
  Verb verb = Verb::other;
  /// What follows the verb, without blanks around it. Of MAIL FROM: and RCPT TO:, what follows the colon.
  std::string_view argument;
  bool malformed = false;  ///< MAIL without FROM:, RCPT without TO:.
};

/// Verbs in any case; a blank or the end must follow (`DATABASE` is no DATA). A blank is a space or a tab; before the verb none
/// is taken, but on either side of the colon, as sloppy clients send them there (section 3.3). Allocates nothing.
Command parse_command(std::string_view line);

}  // namespace deferd::smtp
