// What an MTA hands over as text, cut to what a Session holds.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "deferd/address.h"

namespace deferd {

/// The macros of the stage at hand and of those before it. Values are the MTA's, with strangers' bytes in some.
class Macros {
 public:
  virtual ~Macros() = default;
  virtual std::string_view get(const char* name) const = 0;  ///< "i", "{auth_authen}"; empty if the MTA gave none.
};

/// Who connects, as the MTA says. No address: not by the internet (a local submission), or the MTA does not know.
struct MilterPeer {
  std::optional<Address> address;
  std::uint16_t port = 0;
  /// `192.0.2.7`, `2001:db8::7`, `IPv6:2001:db8::7`; anything else is nobody of the internet.
  static MilterPeer of(std::string_view address, std::uint16_t port);
};

/// `<a@b>` as MTAs pass it on: without <>, without a source route (RFC 5321 section 4.1.1.3), at most 512 bytes.
std::string envelope_address(std::string_view argument);

/// The client's name, if the MTA verified that it leads back to the address: Postfix and Sendmail pass `[192.0.2.7]` or `unknown`
/// else; Sendmail passes a forged one on and says so in {client_resolve} or `_`. Lower case, without the final dot.
std::string verified_name(std::string_view host, const Macros& macros);

/// The subject of the client's certificate if the MTA verified that. Sendmail passes {cert_subject} of any certificate and tells
/// by {verify}; Postfix has no {verify} and passes only those it trusts.
std::string verified_subject(const Macros& macros);

/// An address as macros have it: `192.0.2.1`, `IPv6:2001:db8::1`.
std::optional<Address> macro_address(std::string_view text);

/// At most `limit` bytes of `text`.
inline std::string bounded(std::string_view text, std::size_t limit) { return std::string(text.substr(0, limit)); }

}  // namespace deferd
