#include "milter/envelope.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace deferd {

MilterPeer MilterPeer::of(const sockaddr* address) {
  MilterPeer peer;
  if (address == nullptr) return peer;
  if (address->sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, address, sizeof v4);
    peer.address = Address::v4(ntohl(v4.sin_addr.s_addr));
    peer.port = ntohs(v4.sin_port);
  } else if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, address, sizeof v6);
    std::array<std::uint8_t, 16> bytes;
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    peer.address = Address::v6(bytes);
    peer.port = ntohs(v6.sin6_port);
  }
  return peer;
}

std::string envelope_address(std::string_view argument) {
  if (argument.starts_with('<')) argument.remove_prefix(1);
  if (argument.ends_with('>')) argument.remove_suffix(1);
  if (argument.starts_with('@'))
    if (const auto colon = argument.find(':'); colon != argument.npos) argument.remove_prefix(colon + 1);
  return bounded(argument, 512);
}

std::string verified_name(std::string_view host, const Macros& macros) {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty() || host.size() > 253) return {};
  std::string name(host);
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    if (!fine) return {};
  }
  if (name == "unknown") return {};
  const auto resolved = macros.get("{client_resolve}");
  if (!resolved.empty() && resolved != "OK") return {};
  if (macros.get("_").find("may be forged") != std::string_view::npos) return {};
  return name;
}

std::string verified_subject(const Macros& macros) {
  const auto verify = macros.get("{verify}");
  const bool trusted = verify.empty() ? macros.get("v").starts_with("Postfix ") : verify == "OK" || verify == "TRUSTED";
  return trusted ? bounded(macros.get("{cert_subject}"), 512) : std::string();
}

std::optional<Address> macro_address(std::string_view text) {
  constexpr std::string_view tag = "IPv6:";
  if (text.starts_with(tag)) text.remove_prefix(tag.size());
  auto address = Address::parse(text);
  if (!address || *address == Address() || *address == Address::v6({})) return std::nullopt;
  return *address;
}

}  // namespace deferd
