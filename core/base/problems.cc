#include <algorithm>
#include <cstdio>

#include "base/utf8.h"
#include "deferd/schema.h"

namespace deferd {
namespace {

constexpr std::size_t kLongestQuote = 80;

/// Keeps what came from a file on one line and from reaching the terminal as control bytes.
std::string one_line(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto [code_point, length] = utf8::decode(text);
    const bool control = code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
    if (length == 0 || control) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(text.front())));
      out += escape;
      text.remove_prefix(1);
    } else {
      out += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return out;
}

}  // namespace

bool Problems::failed() const {
  return std::any_of(list_.begin(), list_.end(), [](const Problem& problem) { return !problem.warning; });
}

std::string Problems::to_string(std::string_view file) const {
  auto sorted = list_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Problem& a, const Problem& b) {
    return std::pair(a.mark.line, a.mark.column) < std::pair(b.mark.line, b.mark.column);
  });
  std::string out;
  for (const auto& problem : sorted) {
    std::string place(file);
    if (problem.mark.line > 0)
      place += (place.empty() ? "" : ":") + std::to_string(problem.mark.line) + ':' + std::to_string(problem.mark.column);
    if (!place.empty()) out += place + ": ";
    if (problem.warning) out += "warning: ";
    if (!problem.path.empty()) out += one_line(problem.path) + ": ";
    out += one_line(problem.message) + '\n';
  }
  return out;
}

ConfigError::ConfigError(Problems found) : std::runtime_error(found.to_string({})), problems(std::move(found)) {}

namespace detail {

std::string quote(std::string_view text) {
  if (text.size() <= kLongestQuote) return "'" + one_line(text) + "'";
  std::size_t end = kLongestQuote;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return "'" + one_line(text.substr(0, end)) + "...'";
}

std::string join_path(std::string_view path, std::string_view key) {
  std::string out(path);
  if (!out.empty()) out += '.';
  return out += key;
}

std::string kind_name(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::null:
      return "nothing";
    case Value::Kind::boolean:
      return "a truth value";
    case Value::Kind::integer:
      return "a number";
    case Value::Kind::text:
      return "a single value";
    case Value::Kind::list:
      return "a list";
    case Value::Kind::map:
      return "a map";
  }
  return "unknown";
}

}  // namespace detail
}  // namespace deferd
