// How the schema reads and shows scalars.
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "deferd/ascii.h"
#include "deferd/schema.h"

namespace deferd {

namespace detail {

Result<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec == std::errc::result_out_of_range) return fail(Errc::invalid, "is out of range");
  if (parsed.ec != std::errc() || parsed.ptr != end) return fail(Errc::invalid, "not a whole number");
  return number;
}

// std::from_chars() reads such numbers with LLVM's library of version 20 on only. strtod() would take blanks, a plus sign,
// hexadecimal digits and words, too; nobody sets a locale, in which it would want a comma.
Result<double> parse_number(std::string_view text) {
  const std::string whole(text);
  const bool plain = !text.starts_with('+') && text.find_first_not_of("0123456789.eE+-") == text.npos;
  char* end = nullptr;
  const double number = std::strtod(whole.c_str(), &end);
  if (!plain || text.empty() || end != whole.c_str() + whole.size()) return fail(Errc::invalid, "not a number");
  if (!std::isfinite(number)) return fail(Errc::invalid, "is out of range");
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
