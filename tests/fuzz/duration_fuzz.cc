// What is accepted as a duration is not negative and prints to a text that means the same.
#include <cstring>

#include "deferd/time.h"
#include "require.h"

using namespace deferd;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (const auto duration = parse_duration({reinterpret_cast<const char*>(data), size})) {
    REQUIRE(duration->count() >= 0);
    const auto again = parse_duration(format_duration(*duration));
    REQUIRE(again && *again == *duration);
  }
  if (size == sizeof(std::int64_t)) {
    std::int64_t count;
    std::memcpy(&count, data, sizeof count);
    const std::string text = format_duration(std::chrono::milliseconds(count));
    REQUIRE(text.starts_with('-') == (count < 0));
    if (count >= 0) REQUIRE(parse_duration(text) == std::chrono::milliseconds(count));
    REQUIRE(format_time(Time(Duration(count))).size() == std::strlen("2026-01-01T00:00:00Z"));
  }
  return 0;
}
