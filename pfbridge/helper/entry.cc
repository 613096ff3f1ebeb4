#include "pfbridge/helper/entry.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace deferd::bridge {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// The length after the slash: digits alone, no sign, no leading zero.
std::optional<int> parse_length(std::string_view text, int most) {
  int length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error != std::errc() || end != text.data() + text.size() || text.front() == '-') return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  if (length > most) return std::nullopt;
  return length;
}

}  // namespace

Entry Entry::make(Family family, const std::array<std::uint8_t, 16>& bytes, int length) {
  Entry entry;
  entry.family = family;
  entry.bytes = bytes;
  const int most = entry.bits();
  length = std::clamp(length, 0, most);
  if (family == Family::v6 && length >= 96 && std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
    entry.family = Family::v4;
    entry.bytes = {bytes[12], bytes[13], bytes[14], bytes[15]};
    length -= 96;
  }
  entry.length = static_cast<std::uint8_t>(length);
  for (int bit = length; bit < 128; ++bit) entry.bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80 >> bit % 8));
  return entry;
}

std::optional<Entry> Entry::parse(std::string_view text) {
  const auto slash = text.find('/');
  const std::string address(text.substr(0, slash));
  std::array<std::uint8_t, 16> bytes{};
  const Family family = address.find(':') == std::string::npos ? Family::v4 : Family::v6;
  if (::inet_pton(family == Family::v4 ? AF_INET : AF_INET6, address.c_str(), bytes.data()) != 1) return std::nullopt;
  if (address.size() != std::strlen(address.c_str())) return std::nullopt;  // a NUL within
  int length = family == Family::v4 ? 32 : 128;
  if (slash != std::string_view::npos) {
    const auto given = slash + 1 < text.size() ? parse_length(text.substr(slash + 1), length) : std::nullopt;
    if (!given) return std::nullopt;
    length = *given;
  }
  return make(family, bytes, length);
}

std::string Entry::to_string() const {
  char text[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(family == Family::v4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
  return is_host() ? std::string(text) : std::string(text) + '/' + std::to_string(length);
}

}  // namespace deferd::bridge
