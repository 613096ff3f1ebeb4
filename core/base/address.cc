#include "deferd/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <random>

#include "deferd/ascii.h"

namespace deferd {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t kLongestText = 45;  // INET6_ADDRSTRLEN without its NUL

bool starts_with_tag(std::string_view text) { return starts_with_folded(text, "ipv6:"); }

tl::unexpected<Error> not_an_address() { return fail(Errc::invalid, "not an address such as 192.0.2.7 or 2001:db8::1"); }

void append_hex(std::string& out, unsigned group) {
  char digits[4];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, group, 16).ptr);
}

/// RFC 5952 section 4: lower case, no leading zeros, the first of the longest runs of at least two zero groups is `::`.
std::string v6_text(std::span<const std::uint8_t> bytes) {
  const auto group = [&](int i) { return static_cast<unsigned>(bytes[2 * i] << 8 | bytes[2 * i + 1]); };
  int run = 8, run_length = 1;
  for (int i = 0; i < 8; ++i) {
    int end = i;
    while (end < 8 && group(end) == 0) ++end;
    if (end - i > run_length) {
      run = i;
      run_length = end - i;
    }
    i = std::max(i, end - 1);
  }
  std::string out;
  for (int i = 0; i < 8; ++i) {
    if (i == run) {
      out += "::";
      i += run_length - 1;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    append_hex(out, group(i));
  }
  return out;
}

void clear_host_bits(std::span<std::uint8_t> bytes, int length) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int kept = std::clamp(length - static_cast<int>(i) * 8, 0, 8);
    bytes[i] = static_cast<std::uint8_t>(bytes[i] & (0xff00 >> kept));
  }
}

/// Strangers choose addresses, so nobody outside the process may be able to choose collisions.
std::uint64_t hash_seed() {
  static const std::uint64_t seed = [] {
    std::random_device random;
    return static_cast<std::uint64_t>(random()) << 32 | random();
  }();
  return seed;
}

std::uint64_t mix(std::uint64_t value) {  // finalizer of SplitMix64
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31);
}

}  // namespace

Address Address::v4(std::uint32_t host_order) {
  Address address;
  for (int i = 0; i < 4; ++i) address.bytes_[i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
  return address;
}

Address Address::v6(const std::array<std::uint8_t, 16>& network_order) {
  Address address;
  if (std::equal(kMapped.begin(), kMapped.end(), network_order.begin())) {
    std::copy(network_order.begin() + kMapped.size(), network_order.end(), address.bytes_.begin());
  } else {
    address.v6_ = true;
    address.bytes_ = network_order;
  }
  return address;
}

Result<Address> Address::parse(std::string_view text) {
  const bool bracketed = text.size() >= 2 && text.front() == '[' && text.back() == ']';
  if (bracketed) text = text.substr(1, text.size() - 2);
  const bool tagged = starts_with_tag(text);
  if (tagged) text.remove_prefix(5);

  char buffer[kLongestText + 1] = {};
  if (text.empty() || text.size() > kLongestText || text.find('\0') != text.npos) return not_an_address();
  std::memcpy(buffer, text.data(), text.size());

  if (text.find(':') != text.npos) {
    std::array<std::uint8_t, 16> bytes;
    if (text.find('%') != text.npos) return fail(Errc::invalid, "an address with a zone is of no use here");
    if (inet_pton(AF_INET6, buffer, bytes.data()) != 1) return not_an_address();
    if (bracketed && !tagged) return fail(Errc::invalid, "in brackets an IPv6 address is written [IPv6:...]");
    return v6(bytes);
  }
  in_addr bytes;
  if (tagged || inet_pton(AF_INET, buffer, &bytes) != 1) return not_an_address();
  return v4(ntohl(bytes.s_addr));
}

std::span<const std::uint8_t> Address::bytes() const { return {bytes_.data(), v6_ ? 16U : 4U}; }

std::string Address::to_string() const {
  if (v6_) return v6_text(bytes_);
  char text[sizeof "255.255.255.255"];
  char* end = text;
  for (int i = 0; i < 4; ++i) {
    if (i > 0) *end++ = '.';
    end = std::to_chars(end, std::end(text), bytes_[i]).ptr;
  }
  return std::string(text, static_cast<std::size_t>(end - text));
}

Prefix::Prefix(const Address& address, int length) : address_(address), length_(std::clamp(length, 0, address.bits())) {
  clear_host_bits({address_.bytes_.data(), address_.bytes().size()}, length_);
}

Result<Prefix> Prefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const std::string_view address_text = text.substr(0, slash);
  const auto address = Address::parse(address_text);
  if (!address) {
    if (slash == text.npos) return fail(Errc::invalid, "not an address or prefix such as 192.0.2.0/24 or 2001:db8::/32");
    return fail(Errc::invalid, "before the slash: " + address.error().what);
  }
  if (slash == text.npos) return Prefix(*address);

  const std::string_view digits = text.substr(slash + 1);
  // A mapped prefix counts the 96 bits before its IPv4 address.
  const int offset = address->is_v4() && address_text.find(':') != address_text.npos ? 96 : 0;
  int length = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.front() == '-' ||
      (digits.size() > 1 && digits.front() == '0') || length > address->bits() + offset)
    return fail(Errc::invalid, "after the slash there must be a number from 0 to " + std::to_string(address->bits() + offset));
  if (length < offset) return fail(Errc::invalid, "covers more than IPv4-mapped addresses: write it as an IPv4 prefix");

  const Prefix prefix(*address, length - offset);
  if (prefix.address() != *address)
    return fail(Errc::invalid,
                "has bits set behind its length: " + prefix.to_string() + " or " + address->to_string() + " is meant");
  return prefix;
}

bool Prefix::contains(const Address& address) const {
  return address.is_v4() == address_.is_v4() && Prefix(address, length_).address_ == address_;
}

bool Prefix::contains(const Prefix& other) const { return other.length_ >= length_ && contains(other.address_); }

std::string Prefix::to_string() const {
  return is_host() ? address_.to_string() : address_.to_string() + '/' + std::to_string(length_);
}

}  // namespace deferd

std::size_t std::hash<deferd::Address>::operator()(const deferd::Address& address) const noexcept {
  std::uint64_t words[2] = {};
  const auto bytes = address.bytes();
  std::memcpy(words, bytes.data(), bytes.size());
  return deferd::mix(deferd::mix(deferd::hash_seed() ^ words[0]) + words[1] + bytes.size());
}

std::size_t std::hash<deferd::Prefix>::operator()(const deferd::Prefix& prefix) const noexcept {
  return deferd::mix(std::hash<deferd::Address>{}(prefix.address()) + static_cast<std::uint64_t>(prefix.length()));
}
