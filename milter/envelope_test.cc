#include "milter/envelope.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

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
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(25001);
  inet_pton(AF_INET, "192.0.2.7", &v4.sin_addr);
  const auto first = MilterPeer::of(reinterpret_cast<const sockaddr*>(&v4));
  EXPECT_EQ(first.address->to_string(), "192.0.2.7");
  EXPECT_EQ(first.port, 25001);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  inet_pton(AF_INET6, "2001:db8::7", &v6.sin6_addr);
  EXPECT_EQ(MilterPeer::of(reinterpret_cast<const sockaddr*>(&v6)).address->to_string(), "2001:db8::7");
}

TEST(MilterPeer, OfAUnixSocketOrUnknownHasNoAddress) {
  sockaddr local{};
  local.sa_family = AF_UNIX;
  EXPECT_FALSE(MilterPeer::of(&local).address);
  EXPECT_FALSE(MilterPeer::of(nullptr).address);
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
