#include "control/testing_time.h"

#include <cstdio>

namespace deferd {

Result<Time> Codec<Time>::parse(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, end = 0;
  const std::string copy(text);
  const int read = std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &year, &month, &day, &hour, &minute, &second, &end);
  const Time time = std::chrono::sys_days(std::chrono::year(year) / month / day) + std::chrono::hours(hour) +
                    std::chrono::minutes(minute) + std::chrono::seconds(second);
  // Fields out of range and odd spellings do not print as they were read.
  if (read != 6 || static_cast<std::size_t>(end) != text.size() || format_time(time) != text)
    return fail(Errc::invalid, "not a time such as 2026-11-20T11:10:38Z");
  return time;
}

Result<Shift> Codec<Shift>::parse(std::string_view text) {
  if (auto seconds = detail::parse_integer(text)) return Shift{Duration(*seconds)};
  auto duration = Codec<Duration>::parse(text);
  if (!duration) return tl::unexpected(duration.error());
  return Shift{*duration};
}

Schema<TestingTime> TestingTime::schema() {
  return Schema<TestingTime>{}
      .field("advance", &TestingTime::advance, "Move the clock by this much.")
      .field("set", &TestingTime::set, "Move the clock there.")
      .rule([](const TestingTime& time) {
        return time.advance.has_value() == time.set.has_value() ? "give either 'advance' or 'set'" : "";
      });
}

}  // namespace deferd
