#include "milter/envelope.h"

#include "deferd/ascii.h"

namespace deferd {

namespace {

constexpr std::string_view kV6Tag = "IPv6:";

}  // namespace

MilterPeer MilterPeer::of(std::string_view address, std::uint16_t port) {
  if (address.starts_with(kV6Tag)) address.remove_prefix(kV6Tag.size());
  MilterPeer peer;
  const auto parsed = Address::parse(address);
  if (!parsed) return peer;
  peer.address = *parsed;
  peer.port = port;
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
  std::string name = lower(host);
  for (const char c : name)
    if (!is_alnum(c) && c != '-' && c != '.' && c != '_') return {};
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
  if (text.starts_with(kV6Tag)) text.remove_prefix(kV6Tag.size());
  auto address = Address::parse(text);
  if (!address || *address == Address() || *address == Address::v6({})) return std::nullopt;
  return *address;
}

}  // namespace deferd
