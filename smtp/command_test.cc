#include "smtp/command.h"

#include <gtest/gtest.h>

#include <string>

namespace deferd::smtp {
namespace {

using namespace std::literals;

/// `VERB|argument`, and `!` if it is malformed.
std::string parsed(std::string_view line) {
  const auto command = parse_command(line);
  return std::string(to_string(command.verb)) + "|" + std::string(command.argument) + (command.malformed ? "!" : "");
}

TEST(Command, KnowsItsVerbsInAnyCase) {
  EXPECT_EQ(parsed("HELO mx.example.org"), "HELO|mx.example.org");
  EXPECT_EQ(parsed("EHLO mx.example.org"), "EHLO|mx.example.org");
  EXPECT_EQ(parsed("ehlo MX.example.org"), "EHLO|MX.example.org");
  EXPECT_EQ(parsed("mAiL FrOm:<a@b>"), "MAIL|<a@b>");
  EXPECT_EQ(parsed("rcpt to:<a@b>"), "RCPT|<a@b>");
  for (const char* verb : {"DATA", "RSET", "NOOP", "QUIT", "VRFY", "EXPN", "HELP", "STARTTLS", "AUTH", "BDAT", "HELO", "EHLO"})
    EXPECT_EQ(parsed(verb), verb + "|"s);
  for (const char* verb : {"data", "rset", "noop", "quit", "vrfy", "expn", "help", "starttls", "auth", "bdat"})
    EXPECT_NE(parse_command(verb).verb, Verb::other) << verb;
}

TEST(Command, IsNoVerbForItsBeginning) {
  for (const char* line : {"DATABASE", "MAILX FROM:<a@b>", "MAILFROM:<a@b>", "RCPTTO:<a@b>", "DAT", "D", "QUIT.", "DATA\r",
                           "QUITQUIT", "STARTTLSX", "STARTTL", "HELO.example.org", "DATA:", "EHLO\xc2\xa0x"})
    EXPECT_EQ(parse_command(line).verb, Verb::other) << line;
  EXPECT_EQ(parse_command("DATA\0"sv).verb, Verb::other);
}

TEST(Command, KeepsTheArgumentOfWhatItDoesNotKnow) {
  EXPECT_EQ(parsed("XCLIENT ADDR=192.0.2.1"), "other|ADDR=192.0.2.1");
  EXPECT_EQ(parsed("GET / HTTP/1.1"), "other|/ HTTP/1.1");
  EXPECT_EQ(parsed(""), "other|");
}

TEST(Command, TakesNoBlankBeforeTheVerb) {
  EXPECT_EQ(parse_command(" QUIT").verb, Verb::other);
  EXPECT_EQ(parse_command("\tQUIT").verb, Verb::other);
  EXPECT_EQ(parse_command("   ").verb, Verb::other);
}

TEST(Command, TrimsBlanksAndTabsAroundTheArgument) {
  EXPECT_EQ(parsed("HELO \t mx  "), "HELO|mx");
  EXPECT_EQ(parsed("HELO\tmx\t"), "HELO|mx");
  EXPECT_EQ(parsed("HELO two words "), "HELO|two words");
  EXPECT_EQ(parsed("QUIT  "), "QUIT|");
  EXPECT_EQ(parsed("NOOP \t "), "NOOP|");
}

TEST(Command, GivesWhatFollowsTheColon) {
  EXPECT_EQ(parsed("MAIL FROM:<>"), "MAIL|<>");
  EXPECT_EQ(parsed("MAIL FROM:<a@b> SIZE=1000 BODY=8BITMIME "), "MAIL|<a@b> SIZE=1000 BODY=8BITMIME");
  EXPECT_EQ(parsed("MAIL FROM: <a@b>"), "MAIL|<a@b>");
  EXPECT_EQ(parsed("MAIL  from :\t<a@b>"), "MAIL|<a@b>");
  EXPECT_EQ(parsed("MAIL\tFROM\t:<a@b>"), "MAIL|<a@b>");
  EXPECT_EQ(parsed("RCPT TO:a:b@c"), "RCPT|a:b@c");
  EXPECT_EQ(parsed("RCPT TO:"), "RCPT|");
  EXPECT_EQ(parsed("RCPT TO : "), "RCPT|");
}

TEST(Command, SaysWhenTheKeywordIsMissing) {
  EXPECT_EQ(parsed("MAIL"), "MAIL|!");
  EXPECT_EQ(parsed("MAIL <a@b>"), "MAIL|<a@b>!");
  EXPECT_EQ(parsed("MAIL FROM"), "MAIL|FROM!");
  EXPECT_EQ(parsed("MAIL FROM <a@b>"), "MAIL|FROM <a@b>!");
  EXPECT_EQ(parsed("MAIL FROMAGE:<a@b>"), "MAIL|FROMAGE:<a@b>!");
  EXPECT_EQ(parsed("MAIL TO:<a@b>"), "MAIL|TO:<a@b>!");
  EXPECT_EQ(parsed("RCPT FROM:<a@b>"), "RCPT|FROM:<a@b>!");
  EXPECT_EQ(parsed("RCPT T:<a@b>"), "RCPT|T:<a@b>!");
}

}  // namespace
}  // namespace deferd::smtp
