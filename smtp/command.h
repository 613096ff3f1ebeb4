// One command line into its verb and arguments. Pure. RFC 5321 section 4.1.
#pragma once
#include <cstdint>
#include <string_view>

namespace deferd::smtp {

enum class Verb : std::uint8_t { helo, ehlo, mail, rcpt, data, rset, noop, quit, vrfy, expn, help, starttls, auth, bdat, other };
std::string_view to_string(Verb verb);

/// Points into the line it was parsed from.
struct Command {
  Verb verb = Verb::other;
  std::string_view
      argument;  ///< What follows the verb, without blanks around it. Of MAIL FROM: and RCPT TO:, what follows the colon.
  bool malformed = false;  ///< MAIL without FROM:, RCPT without TO:.
};

/// Verbs in any case; a blank or the end must follow (`DATABASE` is no DATA). Blanks before the verb are not taken.
Command parse_command(std::string_view line);

}  // namespace deferd::smtp
