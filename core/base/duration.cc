#include <charconv>
#include <limits>

#include "deferd/ascii.h"
#include "deferd/time.h"

namespace deferd {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};
constexpr Unit kUnits[] = {{"w", 604'800'000}, {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};

/// The position in kUnits, or its size.
std::size_t unit_index(std::string_view name) {
  std::size_t i = 0;
  while (i < std::size(kUnits) && kUnits[i].name != name) ++i;
  return i;
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text == "0") return std::chrono::milliseconds(0);
  if (text.empty() || !is_digit(text.front())) return fail(Errc::invalid, "not a duration such as 90s, 25m, 1h30m or 36d");

  std::int64_t total = 0;
  std::size_t next_unit = 0;  // units before this one have been used or passed by
  while (!text.empty()) {
    std::int64_t count = 0;
    const auto number = std::from_chars(text.data(), text.data() + text.size(), count);
    if (number.ec == std::errc::result_out_of_range) return fail(Errc::invalid, "is too long a duration");
    if (number.ec != std::errc() || !is_digit(text.front()))
      return fail(Errc::invalid, "not a duration such as 90s, 25m, 1h30m or 36d");
    text.remove_prefix(static_cast<std::size_t>(number.ptr - text.data()));

    std::size_t length = 0;
    while (length < text.size() && !is_digit(text[length])) ++length;
    const std::size_t unit = unit_index(text.substr(0, length));
    if (length == 0) return fail(Errc::invalid, "a number needs its unit: ms, s, m, h, d or w");
    if (unit == std::size(kUnits)) return fail(Errc::invalid, "units of a duration are ms, s, m, h, d and w");
    if (unit < next_unit) return fail(Errc::invalid, "units go from the largest to the smallest, each once: 1h30m");
    next_unit = unit + 1;
    text.remove_prefix(length);

    std::int64_t part = 0;
    if (__builtin_mul_overflow(count, kUnits[unit].milliseconds, &part) || __builtin_add_overflow(total, part, &total))
      return fail(Errc::invalid, "is too long a duration");
  }
  return std::chrono::milliseconds(total);
}

std::string format_duration(std::chrono::milliseconds duration) {
  const bool negative = duration.count() < 0;
  std::uint64_t rest = static_cast<std::uint64_t>(duration.count());
  if (negative) rest = 0 - rest;
  if (rest == 0) return "0s";

  std::string out = negative ? "-" : "";
  for (const Unit& unit : kUnits) {
    const auto size = static_cast<std::uint64_t>(unit.milliseconds);
    // Weeks only when nothing else is needed: 36d, not 5w1d.
    if (rest < size || (unit.name == "w" && rest % size != 0)) continue;
    out += std::to_string(rest / size);
    out += unit.name;
    rest %= size;
  }
  return out;
}

}  // namespace deferd
