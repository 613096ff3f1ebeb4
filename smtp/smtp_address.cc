#include "smtp/smtp_address.h"

#include <charconv>

namespace deferd::smtp {
namespace {

constexpr const char* kExpected = "expected ADDRESS:PORT, [IPV6-ADDRESS]:PORT or unix:PATH";

std::string join(const Address& address, std::string_view port) {
  std::string out = address.to_string();
  if (!address.is_v4()) out.insert(0, 1, '[').append(1, ']');
  return out.append(1, ':').append(port);
}

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc() || end != text.data() + text.size())
    return fail(Errc::invalid, detail::quote(text) + " is no port: 0 to 65535, 0 for any that is free");
  return port;
}

Result<Address> parse_host(std::string_view text, std::string_view port) {
  if (text == "localhost") return Address::parse("127.0.0.1");
  const bool bracketed = text.size() > 2 && text.front() == '[' && text.back() == ']';
  if (text.empty() || text == "*")
    return fail(Errc::invalid, "the address is missing: write 0.0.0.0:" + std::string(port) + " for every IPv4 address, [::]:" +
                                   std::string(port) + " for every IPv6 address, or list both");
  auto address = Address::parse(bracketed ? text.substr(1, text.size() - 2) : text);
  if (!address) return fail(Errc::invalid, detail::quote(text) + " is neither an address nor localhost; " + kExpected);
  if (bracketed == address->is_v4())  // also ::ffff:192.0.2.1: listening there means IPv4
    return fail(Errc::invalid, "write " + join(*address, port));
  return address;
}

}  // namespace

Result<SmtpAddress> SmtpAddress::parse(std::string_view text) {
  SmtpAddress where;
  if (text.starts_with("unix:")) {
    where.path = text.substr(5);
    if (auto fits = check_socket_path(where.path); !fits) return tl::unexpected(fits.error());
    return where;
  }
  const auto colon = text.rfind(':');
  if (colon == text.npos) return fail(Errc::invalid, kExpected);
  if (text.front() != '[' && Address::parse(text) && !Address::parse(text.substr(0, colon)))
    return fail(Errc::invalid, "the port is missing: write [" + std::string(text) + "]:25");
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return tl::unexpected(port.error());
  const auto address = parse_host(text.substr(0, colon), text.substr(colon + 1));
  if (!address) return tl::unexpected(address.error());
  where.tcp = {*address, *port, true};
  return where;
}

std::string SmtpAddress::to_string() const {
  if (is_unix()) return "unix:" + path;
  return join(tcp.address, std::to_string(tcp.port));
}

}  // namespace deferd::smtp
