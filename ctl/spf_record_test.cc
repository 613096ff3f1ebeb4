#include "ctl/spf_record.h"

#include <gtest/gtest.h>

namespace deferd::spf {
namespace {

Mechanism only(const std::string& term) {
  const auto record = parse("v=spf1 " + term);
  EXPECT_TRUE(record) << term << ": " << (record ? "" : record.error().what);
  if (!record || record->mechanisms.size() != 1) return {};
  return record->mechanisms.front();
}

bool refused(const std::string& term) { return !parse("v=spf1 " + term + " -all"); }

TEST(SpfRecordTest, IsKnownByItsVersion) {
  EXPECT_TRUE(is_spf("v=spf1"));
  EXPECT_TRUE(is_spf("V=SPF1 -all"));
  EXPECT_FALSE(is_spf("v=spf10 -all"));
  EXPECT_FALSE(is_spf("v=spf1-all"));
  EXPECT_FALSE(is_spf(" v=spf1 -all"));
  EXPECT_FALSE(is_spf("spf2.0/pra -all"));
  EXPECT_FALSE(is_spf(""));
}

TEST(SpfRecordTest, KeepsTermsInOrder) {
  const auto record = parse("v=spf1  ip4:192.0.2.0/24 -a ~mx:example.org ?include:_spf.example.net  -all ");
  ASSERT_TRUE(record);
  std::string kinds;
  for (const auto& mechanism : record->mechanisms) kinds += mechanism.qualifier + mechanism.text + ' ';
  EXPECT_EQ(kinds, "+ip4:192.0.2.0/24 --a ~~mx:example.org ??include:_spf.example.net --all ");
}

TEST(SpfRecordTest, ReadsNetworks) {
  EXPECT_EQ(only("ip4:192.0.2.7").prefix.to_string(), "192.0.2.7");
  EXPECT_EQ(only("IP4:192.0.2.7/24").prefix.to_string(), "192.0.2.0/24") << "host bits are cleared";
  EXPECT_EQ(only("ip6:2001:db8::/32").prefix.to_string(), "2001:db8::/32");
  EXPECT_EQ(only("ip6:2001:db8::7").prefix.to_string(), "2001:db8::7");
  for (const char* wrong :
       {"ip4", "ip4:", "ip4:192.0.2", "ip4:192.0.2.0/33", "ip4:192.0.2.0/024", "ip4:192.0.2.0/", "ip4:2001:db8::1",
        "ip6:192.0.2.1", "ip6:2001:db8::/129", "ip6:[2001:db8::1]", "ip4/24", "ip4:192.0.2.0//24"})
    EXPECT_TRUE(refused(wrong)) << wrong;
}

TEST(SpfRecordTest, ReadsDomainsAndLengths) {
  const auto a = only("a:mail.example.org/28//64");
  EXPECT_EQ(a.domain, "mail.example.org");
  EXPECT_EQ(a.v4_length, 28);
  EXPECT_EQ(a.v6_length, 64);
  EXPECT_EQ(only("mx//48").v6_length, 48);
  EXPECT_EQ(only("mx//48").v4_length, 32);
  EXPECT_EQ(only("a/0").v4_length, 0);
  EXPECT_EQ(only("a").domain, "");
  EXPECT_EQ(only("exists:%{ir}.%{l1r+-}._spf.%{d}").domain, "%{ir}.%{l1r+-}._spf.%{d}");
  EXPECT_EQ(only("a:%{l/}.example.org/24").domain, "%{l/}.example.org") << "a slash in a macro is no length";
  for (const char* wrong : {"a:",
                            "a:org",
                            "a:example.123",
                            "a:example.-org",
                            "a:example.org/33",
                            "a/24/64",
                            "a//129",
                            "a///64",
                            "include",
                            "include:",
                            "exists",
                            "exists:%{x}.example.org",
                            "exists:%{i.example.org",
                            "exists:%",
                            "mx:example.org//",
                            "all:example.org",
                            "all/8",
                            "nothing",
                            "ptr/24",
                            "-",
                            "+:example.org"})
    EXPECT_TRUE(refused(wrong)) << wrong;
}

TEST(SpfRecordTest, ReadsModifiers) {
  EXPECT_EQ(parse("v=spf1 redirect=_spf.example.org")->redirect, "_spf.example.org");
  EXPECT_TRUE(parse("v=spf1 exp=why.example.org unknown=%{d}/x ra=postmaster -all")) << "unknown ones are passed over";
  for (const char* wrong : {"redirect=", "redirect=org", "redirect=a.example redirect=b.example", "exp=a.example exp=b.example",
                            "=x", "1=x", "unknown=%x"})
    EXPECT_TRUE(refused(wrong)) << wrong;
}

TEST(SpfRecordTest, SaysWhichTermIsWrong) {
  const auto record = parse("v=spf1 a ipv4:192.0.2.1 -all");
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().what, "'ipv4:192.0.2.1' is no term of SPF");
}

}  // namespace
}  // namespace deferd::spf
