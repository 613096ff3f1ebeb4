#include "base/json_writer.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/utf8.h"

namespace deferd {
namespace {

/// What stands for itself, nearly all there is: printable ASCII but for `"` and `\`.
constexpr auto kPlainInJson = [] {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x7f; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

std::size_t plain_length(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size() && kPlainInJson[static_cast<unsigned char>(text[length])]) ++length;
  return length;
}

/// The first character, and takes it off.
void append_special(std::string& out, std::string_view& text) {
  const auto [code_point, length] = utf8::decode(text);
  if (length == 0) {
    out += "\xef\xbf\xbd";
  } else if (code_point == '"' || code_point == '\\') {
    out += '\\';
    out += text.front();
  } else if (code_point == '\n') {
    out += "\\n";
  } else if (code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0)) {
    constexpr char digits[] = "0123456789abcdef";
    out += "\\u00";
    out += digits[code_point >> 4];
    out += digits[code_point & 0xf];
  } else {
    out += text.substr(0, length);
  }
  text.remove_prefix(length == 0 ? 1 : length);
}

void append_escaped_text(std::string& out, std::string_view text) {
  while (true) {
    const auto plain = plain_length(text);
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    append_special(out, text);
  }
}

}  // namespace

void JsonWriter::quoted(std::string_view text, std::size_t limit, std::string_view after) {
  const std::string_view before = comma_due_ ? ",\"" : "\"";
  if (text.size() <= limit && plain_length(text) == text.size()) {  // nearly always: at one blow
    const auto at = out_.size();
    out_.resize(at + before.size() + text.size() + after.size());
    auto* to = out_.data() + at;
    for (const auto part : {before, text, after}) to = std::copy(part.begin(), part.end(), to);
    return;
  }
  out_ += before;
  append_escaped_text(out_, text.substr(0, limit));
  if (text.size() > limit) out_ += "...";
  out_ += after;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  quoted(name, std::string_view::npos, "\":");
  comma_due_ = false;
  return *this;
}

void JsonWriter::text(std::string_view value, std::size_t limit) {
  quoted(value, limit, "\"");
  comma_due_ = true;
}

void JsonWriter::integer(std::int64_t value) {
  char digits[24];
  literal({digits, static_cast<std::size_t>(std::to_chars(digits, digits + sizeof digits, value).ptr - digits)});
}

}  // namespace deferd
