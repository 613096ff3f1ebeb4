#include "ops/log_line.h"

#include <gtest/gtest.h>

#include "base/escape.h"

namespace deferd {
namespace {

constexpr LineShape kText{LogConfig::Format::text, LinePrefix::time};
constexpr LineShape kPlain{LogConfig::Format::text, LinePrefix::priority};
constexpr LineShape kJson{LogConfig::Format::json, LinePrefix::time};
const Time kWhen = std::chrono::sys_days(std::chrono::year(2026) / 11 / 20) + std::chrono::hours(11);

std::string line(LineShape shape, std::initializer_list<Field> fields, Level level = Level::info, Time when = kWhen) {
  std::string out;
  append_line(out, shape, when, level, "rcpt.defer", std::span(fields.begin(), fields.size()));
  return out;
}

TEST(LogLine, StartsWithTimeAndLevel) {
  EXPECT_EQ(line(kText, {}), "2026-11-20T11:00:00Z info rcpt.defer\n");
  EXPECT_EQ(line(kText, {}, Level::error, kWhen + std::chrono::seconds(61)), "2026-11-20T11:01:01Z error rcpt.defer\n");
}

TEST(LogLine, LeavesTimeToJournalAndSyslogButTellsThePriority) {
  EXPECT_EQ(line(kPlain, {}, Level::debug), "<7>rcpt.defer\n");
  EXPECT_EQ(line(kPlain, {}, Level::info), "<6>rcpt.defer\n");
  EXPECT_EQ(line(kPlain, {}, Level::notice), "<5>rcpt.defer\n");
  EXPECT_EQ(line(kPlain, {}, Level::warning), "<4>rcpt.defer\n");
  EXPECT_EQ(line(kPlain, {}, Level::error), "<3>rcpt.defer\n");
}

TEST(LogLine, QuotesOnlyValuesThatNeedIt) {
  EXPECT_EQ(line(kPlain, {{"client", *Address::parse("192.0.2.7")}, {"from", ""}, {"reason", "not retried yet"}, {"n", -3}}),
            "<6>rcpt.defer client=192.0.2.7 from=\"\" reason=\"not retried yet\" n=-3\n");
}

TEST(LogLine, KeepsAStrangersNewlineOnTheLine) {
  const std::string forged = "a\nrcpt.accept client=\"x\"\x1b[2J";
  const auto text = line(kText, {{"helo", forged}});
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(text.find(R"(helo="a\x0arcpt.accept client=\"x\"\x1b[2J")"), std::string::npos) << text;
}

TEST(LogLine, BoundsEachValue) {
  const std::string longest(3 * kLongestLogValue, 'a');
  for (const auto shape : {kText, kJson}) {
    const auto text = line(shape, {{"helo", longest}, {"from", longest}});
    EXPECT_LT(text.size(), 2 * kLongestLogValue + 120);
    EXPECT_NE(text.find("aaa...\""), std::string::npos);
  }
}

TEST(LogLine, IsAnObjectInJson) {
  EXPECT_EQ(line(kJson, {{"client", "192.0.2.7"}, {"delay_ms", 300}}, Level::notice),
            R"({"time":"2026-11-20T11:00:00Z","level":"notice","event":"rcpt.defer","client":"192.0.2.7","delay_ms":300})"
            "\n");
}

TEST(LogLine, EscapesControlCharactersInJson) {
  const auto text = line(kJson, {{"helo", "a\"b\\c\n\x7f"}, {"from", "gr\xc3\xbc\xc3\x9f\xc2\x9b"}});
  EXPECT_NE(text.find(R"("helo":"a\"b\\c\n\u007f")"), std::string::npos) << text;
  EXPECT_NE(text.find("\"from\":\"gr\xc3\xbc\xc3\x9f\\u009b\""), std::string::npos) << text;
}

TEST(LogLine, ReplacesWhatIsNotUtf8InJson) {
  EXPECT_NE(line(kJson, {{"helo", "a\xff z"}}).find("\"a\xef\xbf\xbd z\""), std::string::npos);
}

}  // namespace
}  // namespace deferd
