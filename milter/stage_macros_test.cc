#include "milter/stage_macros.h"

#include <gtest/gtest.h>

namespace deferd {
namespace {

using namespace std::string_literals;

TEST(StageMacros, AreKnownByName) {
  StageMacros macros;
  macros.define("Cj\0mx.example.net\0{daemon_name}\0smtpd\0v\0\0"s);
  EXPECT_EQ(macros.get("j"), "mx.example.net");
  EXPECT_EQ(macros.get("{daemon_name}"), "smtpd");
  EXPECT_EQ(macros.get("v"), "");
  EXPECT_EQ(macros.get("{nothing}"), "");
}

TEST(StageMacros, OfOneLetterMayBeInBraces) {
  StageMacros macros;
  macros.define("M{i}\0A1\0_\0x\0"s);
  EXPECT_EQ(macros.get("i"), "A1");
  EXPECT_EQ(macros.get("{i}"), "A1");
  EXPECT_EQ(macros.get("_"), "x");
}

TEST(StageMacros, OfALaterStageCountFirst) {
  StageMacros macros;
  macros.define("Mi\0first\0"s);
  macros.define("Ri\0second\0"s);
  EXPECT_EQ(macros.get("i"), "second");
  macros.define("Ei\0third\0"s);
  EXPECT_EQ(macros.get("i"), "third");
}

TEST(StageMacros, ReplaceThoseOfTheSameStageAndOfLaterOnes) {
  StageMacros macros;
  macros.define("Cj\0mx\0"s);
  macros.define("M{auth_authen}\0user\0"s);
  macros.define("R{rcpt_mailer}\0error\0"s);
  macros.define("Mi\0A2\0"s);
  EXPECT_EQ(macros.get("{auth_authen}"), "");
  EXPECT_EQ(macros.get("{rcpt_mailer}"), "");
  EXPECT_EQ(macros.get("i"), "A2");
  EXPECT_EQ(macros.get("j"), "mx");
}

TEST(StageMacros, OfTheConnectionOutliveTheMessage) {
  StageMacros macros;
  macros.define("Cj\0mx\0"s);
  macros.define("H{tls_version}\0TLSv1.3\0"s);
  macros.define("Mi\0A1\0"s);
  macros.leave_message();
  EXPECT_EQ(macros.get("j"), "mx");
  EXPECT_EQ(macros.get("{tls_version}"), "TLSv1.3");
  EXPECT_EQ(macros.get("i"), "");
  macros.leave_client();
  EXPECT_EQ(macros.get("j"), "");
}

TEST(StageMacros, TakeNoHarmFromNonsense) {
  StageMacros macros;
  for (const auto& data : {""s, "C"s, "Cj"s, "Cj\0"s, "Cj\0x"s, "Zj\0x\0"s, "C\0\0\0\0"s}) {
    macros.define(data);
    EXPECT_EQ(macros.get("j"), "") << data;
  }
}

}  // namespace
}  // namespace deferd
