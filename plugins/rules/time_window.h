// When a rule applies: "Mon-Fri 08:00-18:00", in the system's time zone.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "deferd/schema.h"
#include "deferd/time.h"

namespace deferd::rules {

/// A minute of the week on the wall clock. Weekday 0 is Monday.
struct LocalMinute {
  int weekday = 0;
  int minute = 0;  ///< Of the day, 0 to 1439.
};

/// In the system's time zone, as localtime_r(3) knows it.
LocalMinute local_minute(Time time);

class TimeWindow {
 public:
  /// Days, hours, or both: `Sat`, `Mon-Fri`, `08:00-18:00`, `Fri 22:00-06:00`. The end is no part of it; 24:00 is the end of the
  /// day; hours that end before they begin go on into the next day, which need not be named. Errors: invalid.
  static Result<TimeWindow> parse(std::string_view text);

  bool contains(LocalMinute now) const;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::uint8_t days_ = 0x7f;  // a bit each, on which it begins
  int from_ = 0;
  int to_ = 24 * 60;  // above 24:00 when it ends on the next day
};

}  // namespace deferd::rules

template <>
struct deferd::Codec<deferd::rules::TimeWindow> {
  static std::string type() { return "days and hours"; }
  static Result<rules::TimeWindow> parse(std::string_view text) { return rules::TimeWindow::parse(text); }
  static std::string print(const rules::TimeWindow& window) { return window.text(); }
};
