#include "host/reply_words.h"

#include <algorithm>

#include "deferd/ascii.h"

namespace deferd {

namespace {

ReplyWords own_words(Action action) {
  switch (action) {
    case Action::reject:
      return {550, "5.7.1", "Refused"};
    case Action::close:
      return {421, "4.7.0", "Closing the connection, please try again later"};
    default:
      return {451, "4.7.1", "Please try again later"};
  }
}

bool is_enhanced_number(std::string_view text) {
  return !text.empty() && text.size() <= 3 && std::all_of(text.begin(), text.end(), is_digit);
}

/// RFC 3463 section 2: class.subject.detail, the class that of the code.
bool fits(std::string_view enhanced, int code) {
  if (enhanced.size() < 5 || enhanced[0] - '0' != code / 100 || enhanced[1] != '.') return false;
  const auto dot = enhanced.find('.', 2);
  return dot != enhanced.npos && is_enhanced_number(enhanced.substr(2, dot - 2)) && is_enhanced_number(enhanced.substr(dot + 1));
}

}  // namespace

ReplyWords reply_words(Action action, const Reply& reply) {
  auto words = own_words(action);
  const int kind = reply.code / 100;
  if (action == Action::close && kind == 5) words = {reply.code, own_words(Action::reject).enhanced, words.text};
  if (kind == words.code / 100) words.code = reply.code;
  if (fits(reply.enhanced, words.code)) words.enhanced = reply.enhanced;
  const auto text = std::string_view(reply.text).substr(0, reply.text.find_last_not_of("\r\n") + 1);  // npos + 1 is 0
  if (!text.empty()) words.text = text;
  return words;
}

}  // namespace deferd
