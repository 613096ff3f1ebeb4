#include "deferd/pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace deferd {
namespace {

bool matches(std::string_view pattern, const std::string& subject) {
  const auto compiled = Pattern::compile(pattern);
  if (!compiled) throw std::invalid_argument(std::string(pattern) + " " + compiled.error().what);
  return compiled->matches(subject);
}

std::string refusal(std::string_view pattern) {
  const auto compiled = Pattern::compile(pattern);
  return compiled ? "" : compiled.error().what;
}

TEST(PatternTest, MatchesAnywhereUnlessAnchored) {
  EXPECT_TRUE(matches("mail", "mx.mail.example.org"));
  EXPECT_FALSE(matches("^mail", "mx.mail.example.org"));
  EXPECT_FALSE(matches("mail$", "mx.mail.example.org"));
  EXPECT_TRUE(matches("^mx.*org$", "mx.mail.example.org"));
}

TEST(PatternTest, IgnoresTheCaseOfItself) {
  EXPECT_TRUE(matches("^MAIL[A-C]\\.", "mailb.example.org"));
  EXPECT_TRUE(matches("Example", "www.example.org"));
}

TEST(PatternTest, KnowsPerlsClassesOutsideAndInsideOfBrackets) {
  EXPECT_TRUE(matches("^mail\\d+\\.example\\.org$", "mail17.example.org"));
  EXPECT_FALSE(matches("^mail\\d+\\.example\\.org$", "mail.example.org"));
  EXPECT_TRUE(matches("^\\D\\w\\W\\s\\S$", "a_. x"));
  EXPECT_TRUE(matches("^[\\w.-]+$", "smtp-1.example.org"));
  EXPECT_FALSE(matches("^[\\w.-]+$", "smtp 1"));
  EXPECT_TRUE(matches("^[^\\d]+$", "abc"));
  EXPECT_FALSE(matches("^[^\\d]+$", "ab1"));
  EXPECT_TRUE(matches("^[[:alpha:]]+[[:digit:]]$", "mx1"));
}

TEST(PatternTest, TakesEscapedPunctuationAsItself) {
  EXPECT_TRUE(matches("a\\-b\\.c\\/d\\@e\\+", "a-b.c/d@e+"));
  EXPECT_FALSE(matches("^a\\.c$", "abc"));
  EXPECT_TRUE(matches("^[\\]\\-\\\\^]+$", "]-\\^"));
  EXPECT_TRUE(matches("^[\\^]$", "^"));
  EXPECT_TRUE(matches("^[]]$", "]"));
  EXPECT_TRUE(matches("^[^]]$", "a"));
  EXPECT_TRUE(matches("^[a^-]+$", "-^a"));
  EXPECT_TRUE(matches("^[\\^-]+$", "-^"));
}

TEST(PatternTest, GroupsAndRepeats) {
  EXPECT_TRUE(matches("^(?:smtp|mail)-?\\d{1,3}\\.", "smtp-12.example.org"));
  EXPECT_TRUE(matches("^(?:smtp|mail)-?\\d{1,3}\\.", "mail7.example.org"));
  EXPECT_FALSE(matches("^(?:smtp|mail)-?\\d{1,3}\\.", "mail1234.example.org"));
  EXPECT_TRUE(matches("^a.*?c+?d??$", "abbbcc"));
  EXPECT_TRUE(matches("^x{2,}$", "xxx"));
  EXPECT_TRUE(matches("^x{,}$", "x{,}"));
  EXPECT_TRUE(matches("^x{a}$", "x{a}"));
}

// The text that must occur is looked for first: it must not be longer than what really must occur.
TEST(PatternTest, DoesNotMistakeAnOptionalTextForOneThatMustOccur) {
  EXPECT_TRUE(matches("^abc?$", "ab"));
  EXPECT_TRUE(matches("^abc*d$", "abd"));
  EXPECT_TRUE(matches("^abc{0,2}d$", "abd"));
  EXPECT_TRUE(matches("^(abc)?d$", "d"));
  EXPECT_TRUE(matches("long-text|short", "short"));
  EXPECT_TRUE(matches("(long-text|short)x", "shortx"));
  EXPECT_TRUE(matches("^abc+d$", "abccd"));
  EXPECT_TRUE(matches("^ab{2}c$", "abbc"));
}

TEST(PatternTest, SaysWhatIsWrong) {
  EXPECT_THAT(refusal(""), testing::HasSubstr("empty"));
  EXPECT_EQ(refusal("a("), "a ( is not closed");
  EXPECT_EQ(refusal("a)"), "a ) without its (");
  EXPECT_EQ(refusal("[ab"), "a [ is not closed");
  EXPECT_EQ(refusal("[z-a]"), "a range in [] is upside down");
  EXPECT_EQ(refusal("a\\"), "ends with a backslash");
  EXPECT_EQ(refusal("*a"), "nothing to repeat before *");
  EXPECT_EQ(refusal("a**"), "nothing to repeat before *");
  EXPECT_EQ(refusal("a{3,1}"), "{3,1} is upside down");
  EXPECT_EQ(refusal("\\bmail"), "\\b is not supported");
  EXPECT_EQ(refusal("(a)\\1"), "\\1 is not supported");
  EXPECT_EQ(refusal("(?!a)"), "(? is supported only as (?:...)");
  EXPECT_THAT(refusal("a\nb"), testing::HasSubstr("not printable"));
}

TEST(PatternTest, RefusesWhatCouldTakeLongOrMuchMemory) {
  EXPECT_NE(refusal(std::string(Pattern::kMaxSize + 1, 'a')), "");
  EXPECT_EQ(refusal(std::string(Pattern::kMaxSize, 'a')), "");
  EXPECT_NE(refusal("a{256}"), "");
  EXPECT_NE(refusal("((a{50}){50}){50}"), "");
  EXPECT_NE(refusal(std::string(40, '(') + "a" + std::string(40, ')')), "");
  EXPECT_EQ(refusal("^\\d{1,3}-\\d{1,3}-\\d{1,3}-\\d{1,3}\\.([0-9a-f]{1,4}:){1,7}"), "");
}

}  // namespace
}  // namespace deferd
