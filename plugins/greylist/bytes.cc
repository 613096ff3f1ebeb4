#include "bytes.h"

#include <algorithm>
#include <array>

namespace deferd::greylist {
namespace {

// 9999-12-31: what is later is no time but damage.
constexpr std::uint64_t kLastSecond = 253'402'300'799;

}  // namespace

std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a, then the finisher of MurmurHash3
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}

void Writer::number(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) byte(static_cast<std::uint8_t>(value | 0x80));
  byte(static_cast<std::uint8_t>(value));
}

void Writer::time(Time value) {
  const auto seconds = std::max<std::int64_t>(0, value.time_since_epoch().count());
  number(std::min(kLastSecond, static_cast<std::uint64_t>(seconds)));
}

void Writer::text(std::string_view value) {
  number(value.size());
  out_.append(value);
}

void Writer::address(const Address& value) {
  byte(static_cast<std::uint8_t>(value.bytes().size()));
  for (const auto b : value.bytes()) byte(b);
}

std::string_view Reader::take(std::size_t size) {
  if (!good_ || size > left_.size()) {
    good_ = false;
    return {};
  }
  const auto taken = left_.substr(0, size);
  left_.remove_prefix(size);
  return taken;
}

std::uint8_t Reader::byte() {
  const auto taken = take(1);
  return taken.empty() ? 0 : static_cast<std::uint8_t>(taken[0]);
}

std::uint64_t Reader::number() {
  std::uint64_t value = 0;
  for (int shift = 0; good_; shift += 7) {
    const std::uint64_t next = byte();
    const bool last = (next & 0x80) == 0;
    // The tenth byte holds one bit; a last byte of 0 would be a longer way to write the same.
    if ((shift == 63 && next > 1) || (last && next == 0 && shift > 0)) good_ = false;
    if (!good_) break;
    value |= (next & 0x7f) << shift;
    if (last) return value;
  }
  return 0;
}

Time Reader::time() {
  const auto seconds = number();
  if (seconds > kLastSecond) good_ = false;
  return good_ ? Time(Duration(static_cast<std::int64_t>(seconds))) : Time{};
}

std::string_view Reader::text() { return take(number()); }

Address Reader::address() {
  const auto size = byte();
  const auto bytes = take(size);
  if (size == 4 && good_) {
    std::uint32_t value = 0;
    for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
    return Address::v4(value);
  }
  if (size == 16 && good_) {
    std::array<std::uint8_t, 16> value{};
    std::transform(bytes.begin(), bytes.end(), value.begin(), [](char c) { return static_cast<std::uint8_t>(c); });
    const auto address = Address::v6(value);
    if (!address.is_v4()) return address;  // a mapped one is never written like this
  }
  good_ = false;
  return {};
}

}  // namespace deferd::greylist
