#include "smtp/message_end.h"

namespace deferd::smtp {

namespace {

// What somebody may take for the end of a line.
bool is_break(char c) { return c == '\r' || c == '\n' || c == '\0'; }

}  // namespace

MessageEnd::Seen MessageEnd::seen(Found found, std::string_view bytes, std::size_t size) {
  if (size >= 2) {
    before_[0] = bytes[size - 2];
    before_[1] = bytes[size - 1];
  } else if (size == 1) {
    before_[0] = before_[1];
    before_[1] = bytes[0];
  }
  return {found, size};
}

MessageEnd::Seen MessageEnd::look(std::string_view bytes) {
  for (auto dot = bytes.find('.'); dot != bytes.npos; dot = bytes.find('.', dot + 1)) {
    const char before = dot > 0 ? bytes[dot - 1] : before_[1];
    if (!is_break(before)) continue;
    const auto after = bytes.substr(dot + 1);
    if (after.empty()) return seen(Found::nothing, bytes, dot);
    if (!is_break(after[0])) continue;
    const char first = dot > 1 ? bytes[dot - 2] : before_[dot];
    if (first != '\r' || before != '\n' || after[0] != '\r') return seen(Found::doubt, bytes, dot);
    if (after.size() == 1) return seen(Found::nothing, bytes, dot);
    if (after[1] != '\n') return seen(Found::doubt, bytes, dot);
    return seen(Found::end, bytes, dot + 3);
  }
  return seen(Found::nothing, bytes, bytes.size());
}

}  // namespace deferd::smtp
