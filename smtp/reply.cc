#include "smtp/reply.h"

#include <algorithm>

namespace deferd::smtp {
namespace {

constexpr std::size_t kMaxLines = 32;
constexpr std::size_t kMaxLength = 500;  // RFC 5321 section 4.5.3.1.5 has 512 with CR LF

struct Words {
  int code;
  std::string_view enhanced, text;
};

/// What an action sounds like when the plugin has left it open.
Words words_of(Action action) {
  switch (action) {
    case Action::reject:
      return {550, "5.7.1", "Refused"};
    case Action::close:
      return {421, "4.7.0", "Closing the connection, please try again later"};
    default:
      return {451, "4.7.1", "Please try again later"};
  }
}

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 3 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// RFC 3463 section 2: class.subject.detail, the class that of the code.
bool fits(std::string_view enhanced, int code) {
  if (enhanced.size() < 5 || enhanced[0] - '0' != code / 100 || enhanced[1] != '.') return false;
  const auto dot = enhanced.find('.', 2);
  return dot != enhanced.npos && is_number(enhanced.substr(2, dot - 2)) && is_number(enhanced.substr(dot + 1));
}

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
    for (const char c : line.substr(0, kMaxLength)) out += c >= ' ' && c < 0x7f ? c : '?';
    if (out.size() - begin > kMaxLength) out.resize(begin + kMaxLength);
    out += "\r\n";
    if (last) return out;
    text.remove_prefix(end + 1);
  }
}

std::string format_reply(const Decision& decision) {
  const auto action = decision.verdict.action;
  const auto& reply = decision.verdict.reply;
  auto words = words_of(action);
  const int kind = reply.code / 100;
  if (action == Action::close && kind == 5) words = {reply.code, words_of(Action::reject).enhanced, words.text};
  if (kind == words.code / 100) words.code = reply.code;
  if (fits(reply.enhanced, words.code)) words.enhanced = reply.enhanced;
  if (!without_empty_end(reply.text).empty()) words.text = reply.text;
  return format_reply(words.code, words.enhanced, words.text);
}

}  // namespace deferd::smtp
