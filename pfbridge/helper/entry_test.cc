#include "pfbridge/helper/entry.h"

#include <gtest/gtest.h>

namespace deferd::bridge {
namespace {

TEST(EntryTest, ReadsAndWritesAddressesAndPrefixesOfBothFamilies) {
  for (const char* text : {"192.0.2.7", "192.0.2.0/24", "0.0.0.0/0", "2001:db8::1", "2001:db8::/32", "::/0", "255.255.255.255"}) {
    const auto entry = Entry::parse(text);
    ASSERT_TRUE(entry) << text;
    EXPECT_EQ(entry->to_string(), text);
  }
}

TEST(EntryTest, ClearsHostBits) {
  EXPECT_EQ(Entry::parse("192.0.2.7/24")->to_string(), "192.0.2.0/24");
  EXPECT_EQ(Entry::parse("10.255.255.255/9")->to_string(), "10.128.0.0/9");
  EXPECT_EQ(Entry::parse("2001:db8::ffff/127")->to_string(), "2001:db8::fffe/127");
}

TEST(EntryTest, TakesAMappedAddressForTheIpv4Address) {
  EXPECT_EQ(Entry::parse("::ffff:192.0.2.7"), Entry::parse("192.0.2.7"));
  EXPECT_EQ(Entry::parse("::ffff:192.0.2.0/120"), Entry::parse("192.0.2.0/24"));
  EXPECT_EQ(Entry::parse("::ffff:0:0/95")->to_string(), "::fffe:0:0/95");  // more than the mapped ones: stays IPv6
}

TEST(EntryTest, RefusesWhatPfctlWouldInterpret) {
  for (const char* text : {"",
                           "192.0.2",
                           "10.1/16",
                           "mx.example.org",
                           "self",
                           "lo0",
                           "fe80::1%lo0",
                           "!192.0.2.1",
                           " 192.0.2.1",
                           "192.0.2.1 ",
                           "192.0.2.300",
                           "192.0.2.1/33",
                           "2001:db8::/129",
                           "192.0.2.1/x",
                           "192.0.2.1/",
                           "192.0.2.1/-1",
                           "192.0.2.1/+8",
                           "192.0.2.1/08",
                           "192.0.2.1/8/8",
                           "192.0.2.1-192.0.2.9",
                           "[2001:db8::1]"})
    EXPECT_FALSE(Entry::parse(text)) << text;
  EXPECT_FALSE(Entry::parse(std::string_view("192.0.2.1\0x", 11)));
}

TEST(EntryTest, SortsIpv4BeforeIpv6) { EXPECT_LT(*Entry::parse("255.255.255.255"), *Entry::parse("::1")); }

}  // namespace
}  // namespace deferd::bridge
