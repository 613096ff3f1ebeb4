#include "milter/milter_reply.h"

#include <string_view>

#include "host/reply_words.h"

namespace deferd {

namespace {

constexpr std::size_t kMaxLines = 32;    // what MTAs know from libmilter: MAXREPLIES
constexpr std::size_t kMaxLength = 480;  // a line of RFC 5321 section 4.5.3.1.5, and even doubled below 980, MAXREPLYLEN

std::string clean(std::string_view line) {
  std::string out;
  for (const char c : line.substr(0, kMaxLength)) {
    out += c >= ' ' && c < 0x7f ? c : '?';
    if (c == '%') out += c;
  }
  return out;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> lines;
  while (lines.size() < kMaxLines) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    lines.push_back(clean(line));
    if (end == text.npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace

MilterReply MilterReply::of(const Decision& decision) {
  MilterReply out;
  if (decision.lets_through()) return out;
  const auto action = decision.verdict.action;
  auto reply = decision.verdict.reply;
  if (action == Action::close) reply.code = 421;
  const auto words = reply_words(action, reply);
  out.kind = action == Action::reject ? Kind::reject : Kind::tempfail;
  out.code = words.code;
  out.enhanced = words.enhanced;
  out.lines = split(words.text);
  out.pace = decision.pace.delay;
  return out;
}

}  // namespace deferd
