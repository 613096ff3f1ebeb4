#include "deferd/time.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "base/clock.h"
#include "base/testing_clock.h"

namespace deferd {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

std::string wrong(std::string_view text) {
  const auto duration = parse_duration(text);
  return duration ? "read as " + format_duration(*duration) : duration.error().what;
}

TEST(Duration, ReadsEveryUnit) {
  EXPECT_EQ(parse_duration("500ms"), 500ms);
  EXPECT_EQ(parse_duration("90s"), 90s);
  EXPECT_EQ(parse_duration("25m"), 25min);
  EXPECT_EQ(parse_duration("8h"), 8h);
  EXPECT_EQ(parse_duration("36d"), 24h * 36);
  EXPECT_EQ(parse_duration("2w"), 24h * 14);
  EXPECT_EQ(parse_duration("1h30m"), 90min);
  EXPECT_EQ(parse_duration("1w2d3h4m5s6ms"), 24h * 9 + 3h + 4min + 5s + 6ms);
  EXPECT_EQ(parse_duration("0"), 0ms);
  EXPECT_EQ(parse_duration("0s"), 0ms);
  EXPECT_EQ(parse_duration("90m"), 90min) << "a unit may hold more than the next larger one";
}

TEST(Duration, SaysWhatItExpected) {
  for (const std::string_view text : {"", " ", "m", "-5m", "+5m", " 5m", ".5m", "soon"})
    EXPECT_EQ(wrong(text), "not a duration such as 90s, 25m, 1h30m or 36d") << text;
  for (const std::string_view text : {"5", "5m3", "00"})
    EXPECT_EQ(wrong(text), "a number needs its unit: ms, s, m, h, d or w") << text;
  for (const std::string_view text : {"5 m", "5m ", "5M", "5min", "5y", "5.5m", "5m-3s", "5us"})
    EXPECT_EQ(wrong(text), "units of a duration are ms, s, m, h, d and w") << text;
  for (const std::string_view text : {"5m1h", "5m5m", "1ms1s"})
    EXPECT_EQ(wrong(text), "units go from the largest to the smallest, each once: 1h30m") << text;
}

TEST(Duration, NoticesOverflow) {
  EXPECT_EQ(parse_duration("9223372036854775807ms"), milliseconds::max());
  for (const std::string_view text : {"9223372036854775808ms", "15250284453w", "9223372036854775s808ms", "99999999999999999999w"})
    EXPECT_EQ(wrong(text), "is too long a duration") << text;
}

TEST(Duration, PrintsShortly) {
  EXPECT_EQ(format_duration(0ms), "0s");
  EXPECT_EQ(format_duration(90s), "1m30s");
  EXPECT_EQ(format_duration(1500ms), "1s500ms");
  EXPECT_EQ(format_duration(24h * 36), "36d");
  EXPECT_EQ(format_duration(24h * 14), "2w");
  EXPECT_EQ(format_duration(25h), "1d1h");
  EXPECT_EQ(format_duration(-90s), "-1m30s");
  EXPECT_EQ(format_duration(milliseconds::min()), "-106751991167d7h12m55s808ms");
}

TEST(Duration, PrintedReadsAsTheSame) {
  std::mt19937_64 random(25);
  for (int i = 0; i < 20'000; ++i) {
    const milliseconds duration(static_cast<std::int64_t>(random() >> (1 + random() % 63)));
    ASSERT_EQ(parse_duration(format_duration(duration)), duration) << duration.count();
  }
}

TEST(FormatTime, IsRfc3339) {
  EXPECT_EQ(format_time(Time(0s)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_time(Time(1'795'173'038s)), "2026-11-20T11:10:38Z");
  EXPECT_EQ(format_time(Time(-1s)), "1969-12-31T23:59:59Z");
  EXPECT_EQ(format_time(Time(951'782'400s)), "2000-02-29T00:00:00Z");
}

TEST(FormatTime, StaysWithinFourDigitYears) {
  EXPECT_EQ(format_time(Time::max()), "9999-12-31T23:59:59Z");
  EXPECT_EQ(format_time(Time::min()), "0000-01-01T00:00:00Z");
}

TEST(TestingClock, StandsStillUntilItIsMoved) {
  TestingClock clock(Time(1000s));
  EXPECT_EQ(clock.now(), Time(1000s));
  clock.advance(25min);
  clock.advance(-1s);
  EXPECT_EQ(clock.now(), Time(1000s + 25min - 1s));
  clock.set(Time(36h));
  EXPECT_EQ(clock.now(), Time(36h));
}

TEST(SystemClock, AgreesWithTheSystem) {
  const auto before = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const Time now = SystemClock().now();
  EXPECT_LE(before, now);
  EXPECT_LE(now, std::chrono::system_clock::now());
}

}  // namespace
}  // namespace deferd
