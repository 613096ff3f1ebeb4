#include "base/escape.h"

#include <algorithm>
#include <cstdint>

#include "base/utf8.h"

namespace deferd {
namespace {

bool is_printable(std::uint32_t c) {
  if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return false;                           // control characters
  if ((c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e)) return false;  // invisible, line separators, direction
  return !((c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0x061c || c == 0xad);
}

/// What needs no quotes, the usual case: printable ASCII but for blank, quotes, `=` and `\`.
bool is_plain(char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\'' && c != '=' && c != '\\'; }

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
  while (!bytes.empty()) {
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
  if (!bytes.empty() && bytes.size() <= limit && std::all_of(bytes.begin(), bytes.end(), is_plain)) {
    out += bytes;
    return;
  }
  out += '"';
  append_escaped(out, bytes, limit);
  out += '"';
}

}  // namespace deferd
