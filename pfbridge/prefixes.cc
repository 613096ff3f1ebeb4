#include "pfbridge/prefixes.h"

#include <algorithm>
#include <array>

namespace deferd::pfbridge {
namespace {

std::array<std::uint8_t, 16> bytes_of(const Address& address) {
  std::array<std::uint8_t, 16> bytes{};
  const auto given = address.bytes();
  std::copy(given.begin(), given.end(), bytes.begin());
  return bytes;
}

Address address_of(bool v4, const std::array<std::uint8_t, 16>& bytes) {
  if (!v4) return Address::v6(bytes);
  return Address::v4(static_cast<std::uint32_t>(bytes[0]) << 24 | static_cast<std::uint32_t>(bytes[1]) << 16 |
                     static_cast<std::uint32_t>(bytes[2]) << 8 | bytes[3]);
}

/// Of the first address of `prefix`, with the bit at `index` turned to `value`.
std::optional<Prefix> with_bit(const Prefix& prefix, int index, bool value, int length) {
  auto bytes = bytes_of(prefix.address());
  const auto mask = static_cast<std::uint8_t>(0x80 >> index % 8);
  auto& byte = bytes[static_cast<std::size_t>(index / 8)];
  byte = static_cast<std::uint8_t>(value ? byte | mask : byte & ~mask);
  const Address address = address_of(prefix.address().is_v4(), bytes);
  if (address.is_v4() != prefix.address().is_v4()) return std::nullopt;
  return Prefix(address, length);
}

}  // namespace

bridge::Entry entry_of(const Prefix& prefix) {
  const auto family = prefix.address().is_v4() ? bridge::Family::v4 : bridge::Family::v6;
  return bridge::Entry::make(family, bytes_of(prefix.address()), prefix.length());
}

Prefix prefix_of(const bridge::Entry& entry) {
  return Prefix(address_of(entry.family == bridge::Family::v4, entry.bytes), entry.length);
}

std::optional<Prefix> half_of(const Prefix& prefix, bool upper) {
  return with_bit(prefix, prefix.length(), upper, prefix.length() + 1);
}

std::optional<Prefix> sibling_of(const Prefix& prefix) {
  const auto lower = half_of(parent_of(prefix), false);
  return half_of(parent_of(prefix), lower == prefix);
}

}  // namespace deferd::pfbridge
