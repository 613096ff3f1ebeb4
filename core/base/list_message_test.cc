#include "deferd/list_message.h"

#include <gtest/gtest.h>

namespace deferd {
namespace {

std::string told(std::string_view text, const char* client = "198.51.100.7") {
  return list_message(text, Address::parse(client).value());
}

TEST(ListMessage, NamesTheClient) {
  EXPECT_EQ(told("Your address %A is listed"), "Your address 198.51.100.7 is listed");
  EXPECT_EQ(told("%A%A", "2001:db8::1"), "2001:db8::12001:db8::1");
}

TEST(ListMessage, ADoubledPercentSignIsOne) { EXPECT_EQ(told("100%% spam, %%A"), "100% spam, %A"); }

TEST(ListMessage, BackslashNIsALineBreak) { EXPECT_EQ(told(R"(one\ntwo\n\nfour)"), "one\ntwo\n\nfour"); }

TEST(ListMessage, BackslashProtectsQuoteAndItself) {
  EXPECT_EQ(told(R"(\"quoted\")"), R"("quoted")");
  EXPECT_EQ(told(R"(a\\n)"), R"(a\n)");
}

TEST(ListMessage, OtherPrefixedCharactersStayWithTheirPrefix) {
  EXPECT_EQ(told(R"(\t %a %" %n)"), R"(\t %a %" %n)");
  EXPECT_EQ(told(R"(\A)"), R"(\A)");
}

TEST(ListMessage, ABackslashEatsAPercentSign) { EXPECT_EQ(told(R"(\%A)"), R"(\A)"); }

TEST(ListMessage, APercentSignEatsABackslash) { EXPECT_EQ(told(R"(%\n)"), "%n"); }

TEST(ListMessage, APrefixAtTheEndIsItself) {
  EXPECT_EQ(told("50%"), "50%");
  EXPECT_EQ(told("c:\\"), "c:\\");
}

TEST(ListMessage, EndsWithoutALineBreakHoweverItWasWritten) {
  EXPECT_EQ(told(R"(Your address %A has mailed to spamtraps here\n)"), "Your address 198.51.100.7 has mailed to spamtraps here");
  EXPECT_EQ(told("two lines\nof a YAML file\n"), "two lines\nof a YAML file");
  EXPECT_EQ(told(R"(\n)"), "");
  EXPECT_EQ(told(""), "");
}

}  // namespace
}  // namespace deferd
