#include "base/escape.h"

#include <gtest/gtest.h>

namespace deferd {
namespace {

std::string log_value(std::string_view bytes, std::size_t limit = kLongestLogValue) {
  std::string out;
  append_log_value(out, bytes, limit);
  return out;
}

TEST(Escape, LeavesPlainValuesAlone) {
  EXPECT_EQ(log_value("a@example.org"), "a@example.org");
  EXPECT_EQ(log_value("2001:db8::1"), "2001:db8::1");
}

TEST(Escape, QuotesWhatWouldBreakALine) {
  EXPECT_EQ(log_value(""), R"("")");
  EXPECT_EQ(log_value("not retried yet"), R"("not retried yet")");
  EXPECT_EQ(log_value("a=b"), R"("a=b")");
  EXPECT_EQ(log_value(R"(a"b\c)"), R"("a\"b\\c")");
  EXPECT_EQ(log_value("a\r\nb\x1b[0m\x7f"), R"("a\x0d\x0ab\x1b[0m\x7f")");
  EXPECT_EQ(log_value(std::string_view("\0", 1)), R"("\x00")");
}

TEST(Escape, KeepsUtf8ThatCanBeSeen) {
  EXPECT_EQ(log_value("gr\xc3\xbc\xc3\x9f"), "\"gr\xc3\xbc\xc3\x9f\"");
  EXPECT_EQ(escaped("\xe2\x80\xae"), R"(\xe2\x80\xae)") << "right-to-left override";
  EXPECT_EQ(escaped("\xe2\x80\xa8"), R"(\xe2\x80\xa8)") << "line separator";
  EXPECT_EQ(escaped("\xc2\x9b"), R"(\xc2\x9b)") << "C1 control sequence introducer";
  EXPECT_EQ(escaped("\xef\xbb\xbf"), R"(\xef\xbb\xbf)") << "invisible";
}

TEST(Escape, ShowsBytesThatAreNoUtf8) {
  EXPECT_EQ(escaped("a\xff"), R"(a\xff)");
  EXPECT_EQ(escaped("\xc3"), R"(\xc3)");
  EXPECT_EQ(escaped("\xed\xa0\x80"), R"(\xed\xa0\x80)");
}

TEST(Escape, CutsWhatIsLong) {
  EXPECT_EQ(log_value("abcdef", 6), "abcdef");
  EXPECT_EQ(log_value("abcdefg", 6), R"("abcdef...")");
  EXPECT_EQ(escaped("aaa\xc3\xbc", 4), R"(aaa\xc3...)");
  EXPECT_LE(log_value(std::string(1'000'000, '\x01')).size(), 4 * kLongestLogValue + 5);
}

}  // namespace
}  // namespace deferd
