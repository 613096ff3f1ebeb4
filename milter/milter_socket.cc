#include "milter/milter_socket.h"

#include <sys/un.h>

#include <charconv>

namespace deferd {

namespace {

constexpr const char* kExpected = "expected unix:PATH, inet:PORT@HOST or inet6:PORT@HOST";

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || port == 0)
    return fail(Errc::invalid, "'" + std::string(text) + "' is no port: 1 to 65535");
  return port;
}

Result<Address> parse_host(std::string_view text, bool v6) {
  if (text == "localhost") return Address::parse(v6 ? "::1" : "127.0.0.1");
  const bool bracketed = text.size() > 2 && text.front() == '[' && text.back() == ']';
  auto host = Address::parse(bracketed ? text.substr(1, text.size() - 2) : text);
  if (!host) return fail(Errc::invalid, "'" + std::string(text) + "' is neither an address nor localhost");
  return host;
}

Result<MilterSocket> parse_unix(std::string_view path) {
  if (path.empty()) return fail(Errc::invalid, kExpected);
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return fail(Errc::invalid, "the path is too long: a unix socket's has at most " +
                                   std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes");
  MilterSocket socket;
  socket.path = path;
  return socket;
}

Result<MilterSocket> parse_inet(std::string_view kind, std::string_view rest) {
  std::string_view host, port;
  if (const auto at = rest.find('@'); at != rest.npos) {
    port = rest.substr(0, at);
    host = rest.substr(at + 1);
  } else if (const auto colon = rest.rfind(':'); colon != rest.npos) {
    host = rest.substr(0, colon);
    port = rest.substr(colon + 1);
  } else {
    return fail(Errc::invalid,
                "the host is missing: write " + std::string(kind) + ":" + std::string(rest) +
                    (kind == "inet6" ? "@::1 (or @:: for every interface)" : "@127.0.0.1 (or @0.0.0.0 for every interface)"));
  }
  auto address = parse_host(host, kind == "inet6");
  if (!address) return tl::unexpected(address.error());
  auto number = parse_port(port);
  if (!number) return tl::unexpected(number.error());
  if (kind == "inet6" && address->is_v4()) return fail(Errc::invalid, "inet6 takes an IPv6 address");
  MilterSocket socket;
  socket.host = *address;
  socket.port = *number;
  return socket;
}

}  // namespace

Result<MilterSocket> MilterSocket::parse(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == text.npos) return fail(Errc::invalid, kExpected);
  const auto kind = text.substr(0, colon);
  const auto rest = text.substr(colon + 1);
  if (kind == "unix" || kind == "local") return parse_unix(rest);
  if (kind == "inet" || kind == "inet6") return parse_inet(kind, rest);
  return fail(Errc::invalid, kExpected);
}

std::string MilterSocket::to_string() const {
  if (is_unix()) return "unix:" + path;
  return (host.is_v4() ? "inet:" : "inet6:") + std::to_string(port) + "@" + host.to_string();
}

}  // namespace deferd
