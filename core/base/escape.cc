#include "base/escape.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/utf8.h"

namespace deferd {
namespace {

bool is_printable(std::uint32_t c) {
  if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return false;                           // control characters
  if ((c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e)) return false;  // invisible, line separators, direction
  return !((c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0x061c || c == 0xad);
}

enum Class : std::uint8_t {
  kOther,  // to be looked at
  kSafe,   // printable ASCII that stands for itself between quotes
  kPlain,  // and without them: all but blank, quotes, `=` and `\`
};

constexpr auto kClasses = [] {
  std::array<Class, 256> classes{};
  for (std::size_t c = ' '; c < 0x7f; ++c)
    if (c != '"' && c != '\\') classes[c] = c == ' ' || c == '\'' || c == '=' ? kSafe : kPlain;
  return classes;
}();

/// How many of the first bytes are of that class or a better one.
std::size_t length_of(std::string_view bytes, Class least) {
  std::size_t length = 0;
  while (length < bytes.size() && kClasses[static_cast<unsigned char>(bytes[length])] >= least) ++length;
  return length;
}

void append_hex(std::string& out, char byte) {
  constexpr char digits[] = "0123456789abcdef";
  const auto value = static_cast<unsigned char>(byte);
  out += "\\x";
  out += digits[value >> 4];
  out += digits[value & 0xf];
}

}  // namespace

void append_escaped(std::string& out, std::string_view bytes, std::size_t limit) {
  const bool cut = bytes.size() > limit;
  if (cut) bytes = bytes.substr(0, limit);
  while (true) {
    const auto safe = length_of(bytes, kSafe);
    out += bytes.substr(0, safe);
    bytes.remove_prefix(safe);
    if (bytes.empty()) break;
    const auto [code_point, length] = utf8::decode(bytes);
    if (length == 0 || !is_printable(code_point)) {
      const std::size_t bad = std::max<std::size_t>(length, 1);
      for (const char byte : bytes.substr(0, bad)) append_hex(out, byte);
      bytes.remove_prefix(bad);
      continue;
    }
    if (code_point == '"' || code_point == '\\') out += '\\';
    out += bytes.substr(0, length);
    bytes.remove_prefix(length);
  }
  if (cut) out += "...";
}

std::string escaped(std::string_view bytes, std::size_t limit) {
  std::string out;
  append_escaped(out, bytes, limit);
  return out;
}

void append_log_value(std::string& out, std::string_view bytes, std::size_t limit) {
  if (!bytes.empty() && bytes.size() <= limit && length_of(bytes, kPlain) == bytes.size()) {
    out += bytes;
    return;
  }
  out += '"';
  append_escaped(out, bytes, limit);
  out += '"';
}

}  // namespace deferd
