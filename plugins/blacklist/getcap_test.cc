#include "getcap.h"

#include <gtest/gtest.h>

namespace deferd::blacklist {
namespace {

CapRecord record(std::string_view text, std::string_view name = "a") { return or_throw(CapFile(text).find(name)); }
std::string value(std::string_view text, std::string_view cap = "x") { return record(text).text(cap).value_or("(none)"); }

TEST(Getcap, JoinsLinesThatEndInABackslash) {
  const auto found = record("# comment\n\na:\\\n\t:black:\\\n\t:x=1:\\\n\t:y=2:\nb:x=3:\n");
  EXPECT_TRUE(found.flag("black"));
  EXPECT_EQ(found.text("x"), "1");
  EXPECT_EQ(found.text("y"), "2");
  EXPECT_EQ(found.line(), 3u);
  EXPECT_EQ(record("# comment\na:x=1:\nb:x=3:\n", "b").line(), 3u);
}

TEST(Getcap, TakesACommentBehindAContinuationAsPartOfTheRecord) {
  EXPECT_EQ(value("a:\\\n#:x=1:\n"), "1");
  EXPECT_EQ(value("a:\\\n:y=2:#:x=1:"), "1");
}

TEST(Getcap, FindsTheFirstRecordOfANameAmongAlternatives) {
  const std::string text = "a|alias|long name:x=1:\na:x=2:\n";
  EXPECT_EQ(record(text, "alias").text("x"), "1");
  EXPECT_EQ(record(text, "long name").text("x"), "1");
  EXPECT_EQ(record(text, "a").text("x"), "1");
  EXPECT_FALSE(CapFile(text).find("A"));
  EXPECT_FALSE(CapFile(text).find("ali"));
}

TEST(Getcap, TakesTheFirstOccurrenceOfACapability) {
  EXPECT_EQ(value("a:x=1:x=2:"), "1");
  EXPECT_EQ(value("a:xy=1:x=2"), "2");
  EXPECT_EQ(value("a:x:x=2"), "2");
  EXPECT_FALSE(record("a:blackish:").flag("black"));
  EXPECT_FALSE(record("a:x=1:").flag("x"));
}

TEST(Getcap, HidesACapabilityByAnAt) {
  EXPECT_EQ(value("a:x@:x=1:"), "(none)");
  EXPECT_EQ(value("a:x=@:x=1:"), "(none)");
  EXPECT_FALSE(record("a:black@:black:").flag("black"));
}

TEST(Getcap, PutsAnotherRecordInThePlaceOfTc) {
  EXPECT_EQ(value("a:y=1:tc=b:x=3:\nb:x=2:\n"), "2");
  EXPECT_EQ(value("a:x=1:tc=b:\nb:x=2:\n"), "1");
  EXPECT_EQ(value("a:x@:tc=b:\nb:x=2:\n"), "(none)");
  EXPECT_EQ(value("a:tc=b:\nb:tc=c:\nc:x=3:\n"), "3");
}

TEST(Getcap, CountsARecordWhoseTcLeadsNowhereAsNotThere) {
  EXPECT_FALSE(CapFile("a:tc=b:").find("a"));
  EXPECT_FALSE(CapFile("a:tc=a:").find("a"));
  EXPECT_FALSE(CapFile("a:tc=b:\nb:tc=a:").find("a"));
}

TEST(Getcap, ComesToAnEndWhereRecordsDouble) {
  std::string text = "a:tc=r0:tc=r0:\n";
  for (int i = 0; i < 30; ++i)
    text += "r" + std::to_string(i) + ":tc=r" + std::to_string(i + 1) + ":tc=r" + std::to_string(i + 1) + ":\n";
  text += "r30:x=1:\n";
  EXPECT_FALSE(CapFile(text).find("a"));
}

TEST(Getcap, DecodesValues) {
  EXPECT_EQ(value(R"(a:x=one\ntwo\tthree\Cfour\cfive:)"), "one\ntwo\tthree:four:five");
  EXPECT_EQ(value(R"(a:x=\101\60\0601:)"), "A001");
  EXPECT_EQ(value(R"(a:x=^A^j:)"), "\x01\n");
  EXPECT_EQ(value(R"(a:x=\\ \" \^ \q:)"), "\\ \" ^ q");
  EXPECT_EQ(value(R"(a:x=file\072name:)"), "file:name");
  EXPECT_EQ(value("a:x=:"), "");
  EXPECT_EQ(value("a:x=end\\"), "end");
}

TEST(Getcap, KeepsColonsBetweenDoubleQuotes) {
  EXPECT_EQ(value(R"(a:x="see http://x.example/?q=%A":y=2:)"), R"("see http://x.example/?q=%A")");
  EXPECT_EQ(value(R"(a:x="a \"b:c\" d":y=2:)", "y"), "2");
  EXPECT_EQ(value(R"(a:x="a\:b":)"), R"("a:b")");
}

TEST(Getcap, LeavesBlanksOfContinuedLinesInAQuotedText) { EXPECT_EQ(value("a:x=\"one \\\n\ttwo\":"), "\"one \ttwo\""); }

}  // namespace
}  // namespace deferd::blacklist
