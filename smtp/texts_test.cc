#include "smtp/texts.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace deferd::smtp {
namespace {

std::string expanded(std::string_view text) {
  ::setenv("TZ", "CET-1", 1);
  ::tzset();
  const Time now{std::chrono::seconds{1795169438}};  // 2026-11-20T10:10:38Z
  return expand(text, {"mx.example.org", "deferd", Address::parse("2001:db8::7").value(), now});
}

TEST(Texts, ExpandNameProductAndClient) {
  EXPECT_EQ(expanded("%h ESMTP %n; you are %A"), "mx.example.org ESMTP deferd; you are 2001:db8::7");
}

TEST(Texts, ExpandTheDateAsSpamdWritesIt) { EXPECT_EQ(expanded("%d"), "Fri Nov 20 11:10:38 2026"); }

TEST(Texts, ADoubledPercentSignIsOne) { EXPECT_EQ(expanded("100%% %%h"), "100% %h"); }

TEST(Texts, WhatIsNoExpansionStays) {
  EXPECT_EQ(expanded("50% off %x"), "50% off %x");
  EXPECT_EQ(expanded("50%"), "50%");
  EXPECT_EQ(expanded(""), "");
}

TEST(Texts, ACheckNamesWhatStandsForNothing) {
  EXPECT_EQ(check_text("%h %n %A %d 100%%"), "");
  EXPECT_EQ(check_text("%%x"), "");
  EXPECT_NE(check_text("try %s later").find("'%s' stands for nothing"), std::string::npos);
  EXPECT_NE(check_text("50%").find("'%' stands for nothing"), std::string::npos);
}

TEST(Texts, ACheckWantsOneShortLineOfPrintableAscii) {
  EXPECT_NE(check_text("two\nlines"), "");
  EXPECT_NE(check_text("Gr\xc3\xbc\xc3\x9f"
                       "e"),
            "");
  EXPECT_EQ(check_text(std::string(400, 'x')), "");
  EXPECT_NE(check_text(std::string(401, 'x')), "");
}

}  // namespace
}  // namespace deferd::smtp
