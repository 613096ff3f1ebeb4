// Where the records lie. Groups are read and committed in one step:
//
//   p<from>\n<to>     a pair, folded:   "p" or "p"<identity> how long it waits, <identity> a tuple, "c" they correspond
//   s<from>\n<to>     a pair of profile spamd, byte for byte:   "h"<client>\n<helo> a tuple
//   i<identity>       an identity:   "c" it connected without naming a recipient, "d"<domain> it is known for that domain
//   e<to>             a recipient:   "w" windows in which mail is expected
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "deferd/address.h"
#include "identity.h"

namespace deferd::greylist {

inline constexpr std::string_view kPairGroups = "p";
inline constexpr std::string_view kSpamdGroups = "s";
inline constexpr std::string_view kCorrespond = "c";
inline constexpr std::string_view kConnected = "c";
inline constexpr std::string_view kWindows = "w";

std::string pair_group(std::string_view folded_from, std::string_view folded_to);
std::string spamd_group(std::string_view from, std::string_view to);
std::string identity_group(const Identity& identity);
std::string expect_group(std::string_view folded_to);

/// One for all; for the null sender, which everybody shares, one for each identity.
std::string pair_key(std::string_view folded_from, std::string_view identity_key);
std::string spamd_key(const Address& client, std::string_view helo);
std::string domain_key(std::string_view domain);

/// Whether a key of a pair's group holds a tuple.
bool is_tuple_key(std::string_view key);

struct Envelope {
  std::string from, to;
};
/// What pair_group() or spamd_group() was made of; nothing for other groups.
std::optional<Envelope> envelope_of(std::string_view group);

}  // namespace deferd::greylist
