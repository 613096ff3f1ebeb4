// The argument of MAIL FROM: and RCPT TO:. Pure. RFC 5321 sections 4.1.1.2, 4.1.1.3, 4.1.2; RFC 6531 for UTF-8.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "deferd/result.h"

namespace deferd::smtp {

struct Path {
  std::string address;                  ///< Without <>, without a source route, quoting kept; empty is the null sender.
  std::vector<std::string> parameters;  ///< "SIZE=1000", "BODY=8BITMIME", as given.
  bool utf8 = false;                    ///< The address holds bytes above 127.
};

/// Quoted local parts ("a b"@example.org), address literals ([192.0.2.1], [IPv6:...]), source routes (dropped), bare <postmaster>
/// for recipients, and an address without <> as sloppy clients send it. An address of at most 512 bytes (section 4.5.3.1 asks for
/// 64 before the @ and 255 behind it, each may take more here), 20 parameters. What is no address by the letter but seen in real
/// mail is taken: dots anywhere in a local part, `_` in a domain, a dot at its end.
/// Errors: invalid, with a text fit for the client (it holds nothing of what the client said).
Result<Path> parse_sender(std::string_view argument);     ///< `<>` is allowed.
Result<Path> parse_recipient(std::string_view argument);  ///< `<>` is not.

/// Whether `name` can be the argument of HELO or EHLO: a domain or an address literal, loosely; else only a tag is due, no
/// refusal. An address without brackets is none, nor is a name whose last label is a number, or in UTF-8 (RFC 6531
/// section 3.7.1).
bool is_helo_name(std::string_view name);

}  // namespace deferd::smtp
