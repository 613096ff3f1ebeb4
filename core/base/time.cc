#include "deferd/time.h"

#include <algorithm>

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
  std::string text = "0000-00-00T00:00:00Z";
  const auto put = [&text](std::size_t at, auto number) {  // by hand: each mail is logged with several times
    for (auto n = static_cast<unsigned>(number); n > 0; n /= 10) text[at--] = static_cast<char>('0' + n % 10);
  };
  put(3, static_cast<int>(date.year()));
  put(6, static_cast<unsigned>(date.month()));
  put(9, static_cast<unsigned>(date.day()));
  put(12, clock.hours().count());
  put(15, clock.minutes().count());
  put(18, clock.seconds().count());
  return text;
}

}  // namespace deferd
