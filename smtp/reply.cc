#include "smtp/reply.h"

#include <algorithm>

#include "host/reply_words.h"

namespace deferd::smtp {
namespace {

constexpr std::size_t kMaxLines = 32;
constexpr std::size_t kMaxLength = 500;  // RFC 5321 section 4.5.3.1.5 has 512 with CR LF

std::string_view without_empty_end(std::string_view text) {
  return text.substr(0, text.find_last_not_of("\r\n") + 1);  // npos + 1 is 0
}

}  // namespace

std::string format_reply(int code, std::string_view enhanced, std::string_view text) {
  const std::string digits = std::to_string(code);
  text = without_empty_end(text);
  std::string out;
  out.reserve(text.size() + digits.size() + enhanced.size() + 4);
  for (std::size_t lines = 1;; ++lines) {
    const auto end = text.find('\n');
    const bool last = end == text.npos || lines == kMaxLines;
    auto line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);

    const std::size_t begin = out.size();
    out += digits;
    out += last ? ' ' : '-';
    out += enhanced;
    if (!enhanced.empty() && !line.empty()) out += ' ';
    const std::size_t words = out.size();
    out += line.substr(0, kMaxLength);
    std::replace_if(
        out.begin() + static_cast<std::ptrdiff_t>(words), out.end(), [](char c) { return c < ' ' || c >= 0x7f; }, '?');
    if (out.size() - begin > kMaxLength) out.resize(begin + kMaxLength);
    out += "\r\n";
    if (last) return out;
    text.remove_prefix(end + 1);
  }
}

std::string format_reply(const Decision& decision) {
  const auto words = reply_words(decision.verdict.action, decision.verdict.reply);
  return format_reply(words.code, words.enhanced, words.text);
}

}  // namespace deferd::smtp
