// What a client is taken as for greylisting.
#pragma once
#include <string>
#include <string_view>

#include "deferd/address.h"
#include "deferd/schema.h"

namespace deferd::greylist {

/// The widest thing a client can be taken for. Each kind has a pass_time of its own (Config::pass_times) and a letter of its own
/// on disk; a domain whose SPF authorises the client would be one more.
enum class Kind : std::uint8_t { address, prefix };

struct Identity {
  Kind kind = Kind::address;
  Prefix prefix;  ///< A host prefix if it is the address alone.

  std::string key() const;        ///< As it is stored: few bytes, not for people.
  std::string to_string() const;  ///< "192.0.2.0/24", "192.0.2.7".
  bool operator==(const Identity&) const = default;
};

/// The client within its prefix of these lengths; a length of a whole address makes it the address alone.
Identity identify(const Address& client, int ipv4_prefix, int ipv6_prefix);

}  // namespace deferd::greylist
