// IPv4 and IPv6 addresses and prefixes. An IPv4-mapped IPv6 address (::ffff:192.0.2.7) is the IPv4 address, always.
#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "deferd/result.h"

namespace deferd {

/// A value of 17 bytes; comparable, hashable, IPv4 sorts before IPv6. A default-made one is 0.0.0.0.
class Address {
 public:
  Address() = default;
  static Address v4(std::uint32_t host_order);
  static Address v6(const std::array<std::uint8_t, 16>& network_order);  ///< A mapped one becomes IPv4.

  /// `192.0.2.7`, `2001:db8::1`, with or without the brackets of RFC 5321 section 4.1.3 (`[IPv6:2001:db8::1]`). No zones, no
  /// short IPv4 forms, no leading zeros. Errors: invalid.
  static Result<Address> parse(std::string_view text);

  bool is_v4() const { return !v6_; }
  int bits() const { return v6_ ? 128 : 32; }   ///< Length of a host prefix of this family.
  std::span<const std::uint8_t> bytes() const;  ///< 4 or 16 bytes, network order.
  std::string to_string() const;                ///< Canonical, RFC 5952.

  auto operator<=>(const Address&) const = default;

 private:
  friend class Prefix;
  bool v6_ = false;
  std::array<std::uint8_t, 16> bytes_{};  // IPv4 in the first four
};

/// An address with a length; host bits are always zero.
class Prefix {
 public:
  Prefix() = default;
  /// Clears host bits. `length` above the family's bits counts as a host prefix.
  Prefix(const Address& address, int length);
  explicit Prefix(const Address& host) : Prefix(host, host.bits()) {}

  /// `192.0.2.0/24`, `2001:db8::/32`, or an address alone. Set host bits are an error that names the prefix meant.
  static Result<Prefix> parse(std::string_view text);

  const Address& address() const { return address_; }
  int length() const { return length_; }
  bool is_host() const { return length_ == address_.bits(); }
  bool contains(const Address& address) const;  ///< False across families.
  bool contains(const Prefix& other) const;
  std::string to_string() const;  ///< A host prefix prints without its length.

  auto operator<=>(const Prefix&) const = default;

 private:
  Address address_;
  int length_ = 32;
};

}  // namespace deferd

template <>
struct std::hash<deferd::Address> {
  std::size_t operator()(const deferd::Address& address) const noexcept;
};
template <>
struct std::hash<deferd::Prefix> {
  std::size_t operator()(const deferd::Prefix& prefix) const noexcept;
};
