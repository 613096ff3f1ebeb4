// An address or prefix as the helper and packet filters know it. The helper builds from its own files and the standard library
// alone, so this is not deferd/address.h; both write an address alike.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

namespace deferd::bridge {

enum class Family : std::uint8_t { v4 = 4, v6 = 6 };

/// Always canonical: host bits are zero, an IPv4-mapped address is IPv4, unused bytes are zero. IPv4 sorts before IPv6.
struct Entry {
  Family family = Family::v4;
  std::array<std::uint8_t, 16> bytes{};  ///< Network order; IPv4 in the first four.
  std::uint8_t length = 32;              ///< Of the prefix, in bits.

  /// Clears host bits; maps ::ffff:a.b.c.d to IPv4. A length above the family's is the family's.
  static Entry make(Family family, const std::array<std::uint8_t, 16>& bytes, int length);

  /// Numeric text only: `192.0.2.7`, `192.0.2.0/24`, `2001:db8::1`, `2001:db8::/32`. Never a name, a zone or a short form:
  /// pfctl(8) would take all of these and make something else of them.
  static std::optional<Entry> parse(std::string_view text);

  int bits() const { return family == Family::v4 ? 32 : 128; }
  bool is_host() const { return length == bits(); }
  std::string to_string() const;  ///< A host prints without its length.

  bool operator==(const Entry&) const = default;
  // Of arrays libc++ before 17, and so FreeBSD 14.0, knows no <=>.
  bool operator<(const Entry& other) const {
    return std::tie(family, bytes, length) < std::tie(other.family, other.bytes, other.length);
  }
};

/// What a table shall hold.
struct Row {
  Entry entry;
  std::uint32_t seconds =
      0;  ///< From now on; 0: for ever. Only a net below deferd's own removal: pf's tables have no such thing.
  bool operator==(const Row&) const = default;
};

/// One end of a TCP connection.
struct Endpoint {
  Entry address;  ///< A host.
  std::uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
};

}  // namespace deferd::bridge
