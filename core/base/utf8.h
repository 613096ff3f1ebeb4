// One code point at a time, strictly: no surrogates, no overlong forms, nothing above U+10FFFF (RFC 3629).
#pragma once
#include <cstdint>
#include <string_view>

namespace deferd::utf8 {

struct Decoded {
  std::uint32_t code_point = 0;
  std::size_t length = 0;  ///< In bytes; 0: the text does not start with valid UTF-8.
};

inline Decoded decode(std::string_view text) {
  if (text.empty()) return {};
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};

  const std::size_t length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length == 0 || text.size() < length) return {};
  std::uint32_t code_point = lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code_point = code_point << 6 | (byte(i) & 0x3fU);
  }
  const bool overlong = (length == 3 && code_point < 0x800) || (length == 4 && code_point < 0x10000);
  const bool surrogate = code_point >= 0xd800 && code_point < 0xe000;
  if (overlong || surrogate || code_point > 0x10ffff) return {};
  return {code_point, length};
}

}  // namespace deferd::utf8
