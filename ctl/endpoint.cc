#include "ctl/endpoint.h"

#include <algorithm>
#include <charconv>

namespace deferd::ctl {

bool Endpoint::everywhere() const {
  const auto bytes = address.bytes();
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos || text.starts_with("unix:")) return std::nullopt;
  auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto address = Address::parse(host);
  const auto port = text.substr(colon + 1);
  Endpoint endpoint;
  const auto read = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (!address || read.ec != std::errc{} || read.ptr != port.data() + port.size()) return std::nullopt;
  endpoint.address = *address;
  return endpoint;
}

std::string Endpoint::to_string() const {
  const auto host = address.to_string();
  return (address.is_v4() ? host : '[' + host + ']') + ':' + std::to_string(port);
}

}  // namespace deferd::ctl
