#include "config_port_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace deferd::blacklist {

bool is_loopback(const Address& address) {
  static const Prefix v4 = *Prefix::parse("127.0.0.0/8");
  static const Prefix v6 = *Prefix::parse("::1/128");
  return v4.contains(address) || v6.contains(address);
}

Result<PortAddress> PortAddress::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  auto host = text.substr(0, colon);
  const auto digits = colon == text.npos ? std::string_view() : text.substr(colon + 1);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  PortAddress out;
  const auto address = Address::parse(host);
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
  if (!address || digits.empty() || read.ec != std::errc() || read.ptr != digits.data() + digits.size() ||
      bracketed == address->is_v4())
    return fail(Errc::invalid, "must be an address and a port such as 127.0.0.1:8026 or [::1]:8026");
  if (!is_loopback(*address)) return fail(Errc::invalid, "must be a loopback address such as 127.0.0.1");
  out.address = *address;
  return out;
}

Result<PortAddress> PortAddress::of(const sockaddr_storage& address) {
  PortAddress out;
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    out.address = Address::v4(ntohl(v4.sin_addr.s_addr));
    out.port = ntohs(v4.sin_port);
    return out;
  }
  if (address.ss_family != AF_INET6) return fail(Errc::invalid, "is no address of IPv4 or IPv6");
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  std::array<std::uint8_t, 16> bytes;
  std::copy(std::begin(v6.sin6_addr.s6_addr), std::end(v6.sin6_addr.s6_addr), bytes.begin());
  out.address = Address::v6(bytes);
  out.port = ntohs(v6.sin6_port);
  return out;
}

socklen_t PortAddress::fill(sockaddr_storage& out) const {
  out = {};
  const auto bytes = address.bytes();
  if (address.is_v4()) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(out);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
    return sizeof(v4);
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(out);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
  return sizeof(v6);
}

std::string PortAddress::to_string() const {
  const auto text = address.to_string();
  return (address.is_v4() ? text : "[" + text + "]") + ":" + std::to_string(port);
}

bool PortAddress::may_configure() const { return is_loopback(address) && port < IPPORT_RESERVED; }

}  // namespace deferd::blacklist
