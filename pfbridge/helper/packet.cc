#include "pfbridge/helper/packet.h"

#include <algorithm>
#include <cstring>

namespace deferd::bridge {
namespace {

std::uint16_t big16(Bytes bytes, std::size_t at) { return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]); }

// NFLOG's attributes are in the byte order of the host that logged, which is ours.
std::uint16_t host16(Bytes bytes, std::size_t at) {
  std::uint16_t value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

Entry host(Family family, Bytes bytes) {
  std::array<std::uint8_t, 16> copy{};
  std::copy(bytes.begin(), bytes.end(), copy.begin());
  return Entry::make(family, copy, 128);
}

// The TCP header: only a connection's first packet, SYN without ACK.
bool read_tcp(Bytes segment, std::uint16_t port, Connection& connection) {
  if (segment.size() < 20) return false;
  constexpr std::uint8_t kSyn = 0x02, kAck = 0x10;
  if ((segment[13] & (kSyn | kAck)) != kSyn) return false;
  connection.source_port = big16(segment, 0);
  connection.target_port = big16(segment, 2);
  return connection.target_port == port;
}

bool read_ipv4(Bytes packet, std::uint16_t port, Connection& connection) {
  if (packet.size() < 20) return false;
  const std::size_t header = (packet[0] & 0x0f) * 4u;
  if (header < 20 || packet.size() < header || packet[9] != 6) return false;
  if ((big16(packet, 6) & 0x1fff) != 0) return false;  // not the first fragment
  connection.source = host(Family::v4, packet.subspan(12, 4));
  connection.target = host(Family::v4, packet.subspan(16, 4));
  return read_tcp(packet.subspan(header), port, connection);
}

bool read_ipv6(Bytes packet, std::uint16_t port, Connection& connection) {
  if (packet.size() < 40) return false;
  connection.source = host(Family::v6, packet.subspan(8, 16));
  connection.target = host(Family::v6, packet.subspan(24, 16));
  std::uint8_t next = packet[6];
  Bytes rest = packet.subspan(40);
  // Extension headers before TCP: RFC 8200 section 4. A few at most, each of at least 8 bytes.
  for (int headers = 0; headers < 8; ++headers) {
    if (next == 6) return read_tcp(rest, port, connection);
    const bool skippable = next == 0 || next == 43 || next == 60 || next == 44;  // hop-by-hop, routing, destination, fragment
    if (!skippable || rest.size() < 8) return false;
    if (next == 44 && (big16(rest, 2) & 0xfff8) != 0) return false;  // not the first fragment
    const std::size_t length = next == 44 ? 8 : (rest[1] + 1u) * 8;
    if (rest.size() < length) return false;
    next = rest[0];
    rest = rest.subspan(length);
  }
  return false;
}

bool read_ip(Bytes packet, std::uint16_t port, Connection& connection) {
  if (packet.empty()) return false;
  switch (packet[0] >> 4) {
    case 4:
      return read_ipv4(packet, port, connection);
    case 6:
      return read_ipv6(packet, port, connection);
    default:
      return false;
  }
}

}  // namespace

std::optional<Connection> read_pflog(Bytes record, std::uint16_t port) {
  constexpr std::size_t kDirection = 60, kLeast = 61;
  if (record.size() < kLeast) return std::nullopt;
  const std::size_t length = record[0];
  const std::size_t packet = (length + 3) & ~std::size_t{3};
  if (length < kLeast || record.size() < packet) return std::nullopt;
  if (record[2] != 0) return std::nullopt;  // PF_PASS
  Connection connection;
  if (record[kDirection] == 1)
    connection.direction = Direction::in;
  else if (record[kDirection] == 2)
    connection.direction = Direction::out;
  else
    return std::nullopt;
  const auto name = record.subspan(4, 16);
  connection.interface.assign(name.begin(), std::find(name.begin(), name.end(), 0));
  if (!read_ip(record.subspan(packet), port, connection)) return std::nullopt;
  return connection;
}

std::optional<Connection> read_nflog(Bytes record, std::optional<Direction> as, std::uint16_t port) {
  // Family, version, resource id; then attributes: length with these four bytes, type, value, padded to 4.
  constexpr std::uint16_t kInput = 4, kOutput = 5, kPayload = 9;  // NFULA_IFINDEX_INDEV, _OUTDEV, NFULA_PAYLOAD
  if (record.size() < 4 || record[1] != 0) return std::nullopt;
  Bytes payload;
  std::optional<std::uint32_t> input, output;
  for (std::size_t at = 4; record.size() - at >= 4;) {
    const std::size_t length = host16(record, at);
    const std::uint16_t type = host16(record, at + 2) & 0x7fff;
    if (length < 4 || record.size() - at < length) return std::nullopt;
    const Bytes value = record.subspan(at + 4, length - 4);
    if ((type == kInput || type == kOutput) && value.size() == 4)
      (type == kInput ? input : output) = static_cast<std::uint32_t>(big16(value, 0)) << 16 | big16(value, 2);
    if (type == kPayload) payload = value;
    at += std::min((length + 3) & ~std::size_t{3}, record.size() - at);
  }
  if (!input && !output) return std::nullopt;
  Connection connection;
  connection.direction = as.value_or(input ? Direction::in : Direction::out);
  const bool by_input = input && (connection.direction == Direction::in || !output);
  connection.interface = std::to_string(by_input ? *input : *output);
  if (!read_ip(payload, port, connection)) return std::nullopt;
  return connection;
}

}  // namespace deferd::bridge
