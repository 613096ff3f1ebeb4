#include "time_window.h"

#include <ctime>
#include <optional>
#include <utility>

#include "deferd/ascii.h"

namespace deferd::rules {
namespace {

constexpr int kDay = 24 * 60;

std::optional<int> weekday(std::string_view text) {
  constexpr std::string_view kDays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
  const std::string name = lower(text);
  for (int day = 0; day < 7; ++day)
    if (name == kDays[day]) return day;
  return std::nullopt;
}

/// `08:00`, two digits each.
std::optional<int> minute_of_day(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  for (const std::size_t i : {0, 1, 3, 4})
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
  const int hour = (text[0] - '0') * 10 + text[1] - '0';
  const int minute = (text[3] - '0') * 10 + text[4] - '0';
  if (minute > 59 || hour * 60 + minute > kDay) return std::nullopt;
  return hour * 60 + minute;
}

/// `A-B` in two, or `A` as both.
std::pair<std::string_view, std::string_view> ends(std::string_view text) {
  const auto dash = text.find('-');
  return dash == std::string_view::npos ? std::pair{text, text} : std::pair{text.substr(0, dash), text.substr(dash + 1)};
}

std::optional<std::uint8_t> days(std::string_view text) {
  const auto [first, last] = ends(text);
  const auto from = weekday(first), to = weekday(last);
  if (!from || !to) return std::nullopt;
  std::uint8_t mask = 0;
  for (int day = *from;; day = (day + 1) % 7) {
    mask = static_cast<std::uint8_t>(mask | 1u << day);
    if (day == *to) return mask;
  }
}

}  // namespace

LocalMinute local_minute(Time time) {
  const std::time_t seconds = time.time_since_epoch().count();
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return {(local.tm_wday + 6) % 7, local.tm_hour * 60 + local.tm_min};
}

Result<TimeWindow> TimeWindow::parse(std::string_view text) {
  const auto wrong = fail(Errc::invalid, "not a time such as Mon-Fri, 08:00-18:00 or Mon-Fri 08:00-18:00");
  TimeWindow window;
  window.text_ = text;
  const auto blank = text.find(' ');
  const auto first = text.substr(0, blank);
  auto hours = first;
  if (const auto mask = days(first)) {
    window.days_ = *mask;
    if (blank == std::string_view::npos) return window;
    hours = text.substr(blank + 1);
  } else if (blank != std::string_view::npos) {
    return wrong;
  }
  if (hours.find('-') == std::string_view::npos) return wrong;
  const auto [begin, end] = ends(hours);
  const auto from = minute_of_day(begin), to = minute_of_day(end);
  if (!from || !to) return wrong;
  if (*from == *to || *from == kDay) return fail(Errc::invalid, "is never: it ends when it begins");
  window.from_ = *from;
  window.to_ = *to > *from ? *to : *to + kDay;
  return window;
}

bool TimeWindow::contains(LocalMinute now) const {
  const auto begins_on = [this](int day) { return (days_ >> day & 1) != 0; };
  if (begins_on(now.weekday) && now.minute >= from_ && now.minute < to_) return true;
  return begins_on((now.weekday + 6) % 7) && now.minute + kDay < to_;
}

}  // namespace deferd::rules
