// An SPF record's text as terms: RFC 7208 sections 4.6 and 12. Pure: asks no DNS, and takes any bytes.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/address.h"
#include "deferd/result.h"

namespace deferd::spf {

enum class Kind : std::uint8_t { all, include, a, mx, ptr, ip4, ip6, exists };

/// One mechanism, in its record's order.
struct Mechanism {
  char qualifier = '+';  ///< + - ~ ?
  Kind kind = Kind::all;
  std::string domain;  ///< Of include, a, mx, ptr, exists; empty: the record's own. Perhaps with macros.
  Prefix prefix;       ///< Of ip4 and ip6; host bits are cleared. IPv4 in an ip6 was written mapped: it matches nobody.
  int v4_length = 32;  ///< Of a and mx: so much of each address they lead to is meant.
  int v6_length = 128;
  std::string text;  ///< As written.
};

struct Record {
  std::vector<Mechanism> mechanisms;
  std::string redirect;  ///< Empty if there is none. Perhaps with macros.
};

/// Whether a TXT record is of SPF: `v=spf1`, alone or before a blank (section 4.5). Case does not matter.
bool is_spf(std::string_view text);

/// Errors: invalid, naming the term; one wrong term makes all of the record void (section 4.6).
Result<Record> parse(std::string_view text);

/// What is to be looked up depends on the mail that is checked (section 7).
inline bool has_macro(std::string_view domain) { return domain.find('%') != std::string_view::npos; }

}  // namespace deferd::spf
