// Records as packet filters log them, written by hand: for tests.
#pragma once
#include <cstdint>
#include <cstring>
#include <vector>

namespace deferd::bridge {

using Record = std::vector<std::uint8_t>;

inline void big16(Record& record, std::size_t at, unsigned value) {
  record[at] = static_cast<std::uint8_t>(value >> 8);
  record[at + 1] = static_cast<std::uint8_t>(value);
}

inline Record operator+(Record left, const Record& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

inline Record tcp(unsigned from, unsigned to, std::uint8_t flags = 0x02) {
  Record segment(20);
  big16(segment, 0, from);
  big16(segment, 2, to);
  segment[12] = 0x50;
  segment[13] = flags;
  return segment;
}

inline Record ipv4(const Record& payload, std::size_t options = 0, unsigned fragment = 0) {
  Record header(20 + options);
  header[0] = static_cast<std::uint8_t>(0x40 | header.size() / 4);
  big16(header, 6, fragment);
  header[9] = 6;
  const std::uint8_t source[] = {192, 0, 2, 7}, target[] = {198, 51, 100, 25};
  std::memcpy(&header[12], source, 4);
  std::memcpy(&header[16], target, 4);
  return header + payload;
}

inline Record ipv6(const Record& payload, std::uint8_t next = 6) {
  Record header(40);
  header[0] = 0x60;
  header[6] = next;
  const std::uint8_t prefix[] = {0x20, 0x01, 0x0d, 0xb8};
  std::memcpy(&header[8], prefix, 4);
  header[23] = 7;
  std::memcpy(&header[24], prefix, 4);
  header[39] = 0x25;
  return header + payload;
}

/// The header of a system: what its length byte says, and where the packet begins.
struct Pflog {
  std::uint8_t length;
  std::size_t packet_at;
};
inline constexpr Pflog kOldest{61, 64}, kFreeBsd{69, 72}, kOpenBsd{100, 100};

inline Record pflog(const Record& packet, Pflog kind = kOpenBsd, std::uint8_t direction = 1, std::uint8_t action = 0) {
  Record header(kind.packet_at, 0xee);
  header[0] = kind.length;
  header[1] = 2;
  header[2] = action;
  std::memset(&header[4], 0, 16);
  std::memcpy(&header[4], "em0", 3);
  header[60] = direction;
  return header + packet;
}

inline void attribute(Record& record, std::uint16_t type, const Record& value) {
  while (record.size() % 4) record.push_back(0);
  const auto length = static_cast<std::uint16_t>(4 + value.size());
  const auto at = record.size();
  record.resize(at + 4);
  std::memcpy(&record[at], &length, 2);
  std::memcpy(&record[at + 2], &type, 2);
  record.insert(record.end(), value.begin(), value.end());
}

inline Record nflog(const Record& packet, bool input = true, bool output = false) {
  Record record{2, 0, 0, 2};
  attribute(record, 10, {'m', 'x', 0});
  if (input) attribute(record, 4, {0, 0, 0, 3});
  if (output) attribute(record, 5, {0, 0, 0, 4});
  attribute(record, 9, packet);
  return record;
}

}  // namespace deferd::bridge
