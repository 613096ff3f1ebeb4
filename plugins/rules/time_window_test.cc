#include "time_window.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "time_zone.h"

namespace deferd::rules {
namespace {

using testing::HasSubstr;
constexpr int kDay = 24 * 60;

TimeWindow window(std::string_view text) { return or_throw(TimeWindow::parse(text)); }

/// What the text says, worked out minute by minute of a week from its begin and length.
bool expected(int day, int minute, unsigned days, int begin, int length) {
  for (int start = 0; start < 7; ++start) {
    if ((days >> start & 1) == 0) continue;
    const int since = (day * kDay + minute - start * kDay - begin + 7 * kDay) % (7 * kDay);
    if (since < length) return true;
  }
  return false;
}

struct Case {
  const char* text;
  unsigned days;  // bit 0 is Monday
  int begin;
  int length;
};

class EveryMinuteOfAWeek : public testing::TestWithParam<Case> {};

TEST_P(EveryMinuteOfAWeek, IsInsideOrOutsideAsWritten) {
  const auto& [text, days, begin, length] = GetParam();
  const auto parsed = window(text);
  for (int day = 0; day < 7; ++day)
    for (int minute = 0; minute < kDay; ++minute)
      ASSERT_EQ(parsed.contains({day, minute}), expected(day, minute, days, begin, length))
          << text << " on day " << day << " at " << minute / 60 << ":" << minute % 60;
}

INSTANTIATE_TEST_SUITE_P(
    TimeWindow, EveryMinuteOfAWeek,
    testing::Values(Case{"Mon-Fri 08:00-18:00", 0b0011111, 480, 600}, Case{"Sat", 0b0100000, 0, kDay},
                    Case{"Sat-Mon", 0b1100001, 0, kDay}, Case{"sun-SUN 00:00-00:01", 0b1000000, 0, 1},
                    Case{"08:00-18:00", 0b1111111, 480, 600}, Case{"22:00-06:00", 0b1111111, 1320, 480},
                    Case{"Fri 22:00-06:00", 0b0010000, 1320, 480}, Case{"Sun 23:59-00:01", 0b1000000, 1439, 2},
                    Case{"Sun 12:00-11:59", 0b1000000, 720, 1439}, Case{"Mon 00:00-24:00", 0b0000001, 0, kDay},
                    Case{"Tue 18:00-24:00", 0b0000010, 1080, 360}, Case{"Wed 18:00-00:00", 0b0000100, 1080, 360}));

TEST(TimeWindowTest, RefusesWhatIsNoTime) {
  for (const char* text : {"", " ", "Mo", "Monday", "Mon-", "-Mon", "Mon-Fri-Sat", "Mon 08:00", "8:00-18:00", "08:00-18:60",
                           "08:00-25:00", "08:00-24:01", "08.00-18.00", "08:00-18:00 Mon", "Mon  08:00-18:00", "Mon 08:00-18:00 ",
                           "+8:00-18:00", "08:00 - 18:00", "Mon,Tue"}) {
    const auto parsed = TimeWindow::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().what, HasSubstr("not a time such as")) << text;
  }
}

TEST(TimeWindowTest, RefusesWhatIsNeverTrue) {
  for (const char* text : {"08:00-08:00", "Mon 00:00-00:00", "24:00-06:00"}) {
    const auto parsed = TimeWindow::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().what, HasSubstr("is never")) << text;
  }
}

// 2026-01-05 was a Monday.
constexpr Time kMonday{std::chrono::seconds{1767571200}};

TEST(LocalMinuteTest, CountsEveryMinuteOfAWeekInUtc) {
  const TimeZone utc("UTC0");
  for (int minute = 0; minute < 7 * kDay; ++minute) {
    const auto local = local_minute(kMonday + std::chrono::minutes(minute));
    ASSERT_EQ(local.weekday, minute / kDay) << minute;
    ASSERT_EQ(local.minute, minute % kDay) << minute;
  }
}

TEST(LocalMinuteTest, FollowsTheSystemsTimeZone) {
  const TimeZone india("IST-5:30");
  const auto local = local_minute(kMonday + std::chrono::hours(20));
  EXPECT_EQ(local.weekday, 1);
  EXPECT_EQ(local.minute, 90);
}

TEST(LocalMinuteTest, FollowsSummerTime) {
  const TimeZone zone("CET-1CEST,M3.5.0,M10.5.0/3");
  const Time noon_in_july{std::chrono::seconds{1783339200}};  // 2026-07-06T12:00Z, a Monday
  EXPECT_EQ(local_minute(kMonday + std::chrono::hours(12)).minute, 13 * 60);
  EXPECT_EQ(local_minute(noon_in_july).minute, 14 * 60);
  EXPECT_EQ(local_minute(noon_in_july).weekday, 0);
}

TEST(LocalMinuteTest, KnowsTimesBefore1970) {
  const TimeZone utc("UTC0");
  EXPECT_EQ(local_minute(Time(std::chrono::seconds(-1))).weekday, 2);
  EXPECT_EQ(local_minute(Time(std::chrono::seconds(-1))).minute, kDay - 1);
}

}  // namespace
}  // namespace deferd::rules
