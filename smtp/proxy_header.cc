#include "smtp/proxy_header.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace deferd::smtp {
namespace {

using Parsed = Result<std::optional<ProxyHeader>>;

constexpr std::string_view kV1Start = "PROXY ";
constexpr std::size_t kV1Longest = 107;  // section 2.1, with CR LF
constexpr std::string_view kV2Start("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kV2Fixed = 16;

constexpr unsigned kLocal = 0, kProxy = 1;  // commands of version 2
constexpr unsigned kUnspecified = 0x00, kTcp4 = 0x11, kTcp6 = 0x21, kUnixStream = 0x31;
constexpr std::size_t kTcp4Size = 12, kTcp6Size = 36, kUnixSize = 216;

tl::unexpected<Error> wrong(const char* why) { return fail(Errc::invalid, std::string("PROXY header: ") + why); }

/// The field up to the next blank.
std::string_view take_field(std::string_view& rest) {
  const auto field = rest.substr(0, rest.find(' '));
  rest.remove_prefix(std::min(field.size() + 1, rest.size()));
  return field;
}

bool read_address(std::string_view field, bool v6, Address& out) {
  if (field.find_first_not_of("0123456789abcdefABCDEF.:") != field.npos) return false;  // what Address takes besides
  if ((field.find(':') != field.npos) != v6) return false;
  const auto address = Address::parse(field);
  if (address) out = *address;
  return address.has_value();
}

bool read_port(std::string_view field, std::uint16_t& out) {
  if (field.empty() || (field.size() > 1 && field[0] == '0')) return false;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), out);
  return error == std::errc() && end == field.data() + field.size();
}

Parsed parse_v1(std::string_view bytes) {
  const auto end = bytes.substr(0, kV1Longest).find('\n');
  if (end == bytes.npos) {
    if (bytes.size() >= kV1Longest) return wrong("a line of version 1 is too long");
    return std::nullopt;
  }
  if (bytes[end - 1] != '\r') return wrong("a line of version 1 does not end with CR LF");

  auto rest = bytes.substr(kV1Start.size(), end - 1 - kV1Start.size());
  ProxyHeader header;
  header.size = end + 1;
  const auto family = take_field(rest);
  if (family == "UNKNOWN") {  // whatever follows is to be ignored
    header.local = true;
    return header;
  }
  const bool v6 = family == "TCP6";
  if (!v6 && family != "TCP4") return wrong("neither TCP4, TCP6 nor UNKNOWN");
  const auto client = take_field(rest), local_address = take_field(rest), client_port = take_field(rest);
  if (!read_address(client, v6, header.client) || !read_address(local_address, v6, header.local_address))
    return wrong("not an address of its family");
  if (!read_port(client_port, header.client_port) || !read_port(rest, header.local_port)) return wrong("not a port");
  return header;
}

std::size_t number16(std::string_view bytes) {
  return static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[0]) << 8 | static_cast<std::uint8_t>(bytes[1]));
}

Address v4(std::string_view bytes) {
  return Address::v4(static_cast<std::uint32_t>(number16(bytes) << 16 | number16(bytes.substr(2))));
}

Address v6(std::string_view bytes) {
  std::array<std::uint8_t, 16> address;
  std::memcpy(address.data(), bytes.data(), address.size());
  return Address::v6(address);
}

/// `family` of version 2 with its addresses, which `block` starts with.
Parsed read_block(ProxyHeader header, unsigned family, std::string_view block) {
  switch (family) {
    case kUnspecified:
      header.local = true;
      return header;
    case kUnixStream:
      if (block.size() < kUnixSize) break;
      header.local = true;
      return header;
    case kTcp4:
      if (block.size() < kTcp4Size) break;
      header.client = v4(block);
      header.local_address = v4(block.substr(4));
      header.client_port = static_cast<std::uint16_t>(number16(block.substr(8)));
      header.local_port = static_cast<std::uint16_t>(number16(block.substr(10)));
      return header;
    case kTcp6:
      if (block.size() < kTcp6Size) break;
      header.client = v6(block);
      header.local_address = v6(block.substr(16));
      header.client_port = static_cast<std::uint16_t>(number16(block.substr(32)));
      header.local_port = static_cast<std::uint16_t>(number16(block.substr(34)));
      return header;
    default:
      return wrong("neither TCP nor a Unix socket");
  }
  return wrong("too short for its family");
}

Parsed parse_v2(std::string_view bytes) {
  if (bytes.size() <= kV2Start.size()) return std::nullopt;
  const unsigned version = static_cast<std::uint8_t>(bytes[12]) >> 4, command = bytes[12] & 0xf;
  if (version != 2) return wrong("not version 2 behind its signature");
  if (command != kLocal && command != kProxy) return wrong("unknown command");
  if (bytes.size() < kV2Fixed) return std::nullopt;

  ProxyHeader header;
  header.size = kV2Fixed + number16(bytes.substr(14));
  if (header.size > kLongestProxyHeader) return wrong("too long");
  if (bytes.size() < header.size) return std::nullopt;
  header.local = command == kLocal;
  if (header.local) return header;
  return read_block(header, static_cast<std::uint8_t>(bytes[13]), bytes.substr(kV2Fixed, header.size - kV2Fixed));
}

bool agree(std::string_view bytes, std::string_view start) {
  return bytes.substr(0, start.size()) == start.substr(0, bytes.size());
}

void append16(std::string& out, std::size_t number) {
  out += static_cast<char>(number >> 8);
  out += static_cast<char>(number);
}

void append_address(std::string& out, const Address& address, bool as_v6) {
  if (as_v6 && address.is_v4()) out.append(10, '\0').append(2, '\xff');
  for (const auto byte : address.bytes()) out += static_cast<char>(byte);
}

}  // namespace

Parsed parse_proxy_header(std::string_view bytes) {
  if (bytes.empty()) return std::nullopt;
  if (agree(bytes, kV1Start)) return parse_v1(bytes);
  if (agree(bytes, kV2Start)) return parse_v2(bytes);
  return wrong("there is none");
}

std::string make_proxy_header_v2(const Address& client, std::uint16_t client_port, const Address& server,
                                 std::uint16_t server_port) {
  const bool as_v6 = !client.is_v4() || !server.is_v4();
  std::string out(kV2Start);
  out += static_cast<char>(2 << 4 | kProxy);
  out += static_cast<char>(as_v6 ? kTcp6 : kTcp4);
  append16(out, as_v6 ? kTcp6Size : kTcp4Size);
  append_address(out, client, as_v6);
  append_address(out, server, as_v6);
  append16(out, client_port);
  append16(out, server_port);
  return out;
}

}  // namespace deferd::smtp
