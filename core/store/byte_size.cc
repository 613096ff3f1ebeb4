#include "store/byte_size.h"

#include <charconv>
#include <limits>
#include <utility>

namespace deferd {
namespace {

constexpr std::pair<std::string_view, int> kUnits[] = {{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}, {"B", 0}};

}  // namespace

Result<ByteSize> Codec<ByteSize>::parse(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  if (error == std::errc{} && unit.empty() && number == 0) return ByteSize{};
  if (error == std::errc{})
    for (const auto& [name, shift] : kUnits)
      if (unit == name) {
        if (number > std::numeric_limits<std::uint64_t>::max() >> shift) return fail(Errc::invalid, "is out of range");
        return ByteSize{number << shift};
      }
  return fail(Errc::invalid, "not a size such as 256MiB (units: B KiB MiB GiB TiB)");
}

std::string Codec<ByteSize>::print(ByteSize value) {
  if (value.bytes == 0) return "0";
  for (const auto& [name, shift] : kUnits)
    if (value.bytes >> shift << shift == value.bytes) return std::to_string(value.bytes >> shift) + std::string(name);
  return std::to_string(value.bytes) + "B";
}

}  // namespace deferd
