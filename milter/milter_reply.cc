#include "milter/milter_reply.h"

#include <algorithm>
#include <string_view>

namespace deferd {

namespace {

constexpr std::size_t kMaxLines = 32;    // what MTAs know from libmilter: MAXREPLIES
constexpr std::size_t kMaxLength = 480;  // a line of RFC 5321 section 4.5.3.1.5, and even doubled below 980, MAXREPLYLEN

struct Default {
  int code;
  const char* enhanced;
  const char* text;
};

Default default_of(Action action) {
  switch (action) {
    case Action::reject:
      return {550, "5.7.1", "Refused"};
    case Action::close:
      return {421, "4.7.0", "Closing the connection, please try again later"};
    default:
      return {451, "4.7.1", "Please try again later"};
  }
}

// RFC 3463 section 2: class.subject.detail, of the code's class.
bool fits(std::string_view enhanced, int code) {
  if (enhanced.size() < 5 || enhanced[0] - '0' != code / 100 || enhanced[1] != '.') return false;
  const auto dot = enhanced.find('.', 2);
  if (dot == enhanced.npos) return false;
  const auto number = [](std::string_view text) {
    return !text.empty() && text.size() <= 3 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  return number(enhanced.substr(2, dot - 2)) && number(enhanced.substr(dot + 1));
}

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
  const auto& reply = decision.verdict.reply;
  const auto normal = default_of(action);
  out.kind = action == Action::reject ? Kind::reject : Kind::tempfail;
  const bool keep = action != Action::close && reply.code / 100 == normal.code / 100;
  out.code = keep ? reply.code : normal.code;
  out.enhanced = fits(reply.enhanced, out.code) ? reply.enhanced : normal.enhanced;
  out.lines = split(reply.text.empty() ? normal.text : std::string_view(reply.text));
  out.pace = decision.pace.delay;
  return out;
}

}  // namespace deferd
