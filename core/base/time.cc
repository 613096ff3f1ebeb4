#include "deferd/time.h"

#include <algorithm>
#include <cstdio>

namespace deferd {

std::string format_time(Time time) {
  using namespace std::chrono;
  // Four-digit years are all that RFC 3339 has; Time::max() means "never" in places.
  constexpr Time first = sys_days(year(0) / January / 1);
  constexpr Time last = sys_days(year(9999) / December / 31) + hours(24) - seconds(1);
  time = std::clamp(time, first, last);

  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  char text[40];
  const int length = std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                                   static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                   static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                                   static_cast<int>(clock.seconds().count()));
  return std::string(text, static_cast<std::size_t>(length));
}

}  // namespace deferd
