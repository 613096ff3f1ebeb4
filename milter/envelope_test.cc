#include "milter/envelope.h"

#include <gtest/gtest.h>

#include "milter/fake_macros.h"

namespace deferd {
namespace {

TEST(EnvelopeAddress, TakesTheAngleBracketsOff) {
  EXPECT_EQ(envelope_address("<a@b>"), "a@b");
  EXPECT_EQ(envelope_address("a@b"), "a@b");
  EXPECT_EQ(envelope_address("<>"), "");
  EXPECT_EQ(envelope_address(""), "");
}

TEST(EnvelopeAddress, LeavesASourceRouteOut) {
  EXPECT_EQ(envelope_address("<@one,@two:user@example.org>"), "user@example.org");
  EXPECT_EQ(envelope_address("<\"a:b\"@example.org>"), "\"a:b\"@example.org");
}

TEST(EnvelopeAddress, IsBounded) { EXPECT_EQ(envelope_address("<" + std::string(100000, 'x') + ">").size(), 512u); }

TEST(MilterPeer, KnowsBothFamilies) {
  const auto first = MilterPeer::of("192.0.2.7", 25001);
  EXPECT_EQ(first.address->to_string(), "192.0.2.7");
  EXPECT_EQ(first.port, 25001);
  EXPECT_EQ(MilterPeer::of("2001:db8::7", 1).address->to_string(), "2001:db8::7");
  EXPECT_EQ(MilterPeer::of("IPv6:2001:db8::7", 1).address->to_string(), "2001:db8::7");
}

TEST(MilterPeer, HasNoAddressIfTheMtaGaveNone) {
  for (const char* text : {"", "/run/socket", "localhost", "192.0.2", "2001:db8::7%eth0"})
    EXPECT_FALSE(MilterPeer::of(text, 25).address) << text;
}

TEST(VerifiedName, IsTheMtasName) {
  EXPECT_EQ(verified_name("Mail.Example.ORG.", FakeMacros{}), "mail.example.org");
  EXPECT_EQ(verified_name("mail.example.org", FakeMacros{{"{client_resolve}", "OK"}}), "mail.example.org");
}

TEST(VerifiedName, IsEmptyWhenTheMtaKnowsNone) {
  for (const char* host : {"", "unknown", "[192.0.2.7]", "a b", "x\n"}) EXPECT_EQ(verified_name(host, FakeMacros{}), "") << host;
  EXPECT_EQ(verified_name(std::string(300, 'a'), FakeMacros{}), "");
}

TEST(VerifiedName, IsEmptyWhenSendmailSaysItIsForged) {
  EXPECT_EQ(verified_name("mail.example.org", FakeMacros{{"{client_resolve}", "FORGED"}}), "");
  EXPECT_EQ(verified_name("mail.example.org", FakeMacros{{"_", "mail.example.org [192.0.2.7] (may be forged)"}}), "");
}

TEST(VerifiedSubject, NeedsTheMtasWord) {
  EXPECT_EQ(verified_subject(FakeMacros{{"{cert_subject}", "cn"}}), "");
  EXPECT_EQ(verified_subject(FakeMacros{{"{cert_subject}", "cn"}, {"{verify}", "OK"}}), "cn");
  EXPECT_EQ(verified_subject(FakeMacros{{"{cert_subject}", "cn"}, {"{verify}", "FAIL"}, {"v", "Postfix 3.7.11"}}), "");
  EXPECT_EQ(verified_subject(FakeMacros{{"{cert_subject}", "cn"}, {"v", "Postfix 3.7.11"}}), "cn");
  EXPECT_EQ(verified_subject(FakeMacros{{"{cert_subject}", "cn"}, {"v", "8.17.1.9"}}), "");
}

TEST(MacroAddress, ReadsWhatMtasWrite) {
  EXPECT_EQ(macro_address("192.0.2.1")->to_string(), "192.0.2.1");
  EXPECT_EQ(macro_address("IPv6:2001:db8::1")->to_string(), "2001:db8::1");
  for (const char* nothing : {"", "0.0.0.0", "::", "localhost"}) EXPECT_FALSE(macro_address(nothing)) << nothing;
}

}  // namespace
}  // namespace deferd
