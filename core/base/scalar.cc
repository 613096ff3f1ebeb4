// How the schema reads and shows scalars.
#include <charconv>
#include <cmath>

#include "deferd/ascii.h"
#include "deferd/schema.h"

namespace deferd {
namespace {

template <class T>
Result<T> parse_whole(std::string_view text, const char* expected) {
  T number{};
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec == std::errc::result_out_of_range) return fail(Errc::invalid, "is out of range");
  if (parsed.ec != std::errc() || parsed.ptr != end) return fail(Errc::invalid, expected);
  return number;
}

}  // namespace

namespace detail {

Result<std::int64_t> parse_integer(std::string_view text) { return parse_whole<std::int64_t>(text, "not a whole number"); }

Result<double> parse_number(std::string_view text) {
  auto number = parse_whole<double>(text, "not a number");
  if (number && !std::isfinite(*number)) return fail(Errc::invalid, "not a number");
  return number;
}

Result<bool> parse_boolean(std::string_view text) {
  const std::string word = text.size() <= 5 ? lower(text) : std::string();
  if (word == "yes" || word == "true" || word == "on") return true;
  if (word == "no" || word == "false" || word == "off") return false;
  return fail(Errc::invalid, "neither yes nor no");
}

}  // namespace detail

std::string Codec<double>::print(double value) {
  char text[32];
  return std::string(text, std::to_chars(text, text + sizeof text, value).ptr);
}

}  // namespace deferd
