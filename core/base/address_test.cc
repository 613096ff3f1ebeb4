#include "deferd/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <unordered_set>

namespace deferd {
namespace {

std::string printed(std::string_view text) {
  const auto address = Address::parse(text);
  return address ? address->to_string() : "error: " + address.error().what;
}
std::string printed_prefix(std::string_view text) {
  const auto prefix = Prefix::parse(text);
  return prefix ? prefix->to_string() : "error: " + prefix.error().what;
}
Address address(std::string_view text) { return or_throw(Address::parse(text)); }
Prefix prefix(std::string_view text) { return or_throw(Prefix::parse(text)); }

/// Words of zero, small and any bits, so that runs of zeros of all lengths occur.
Address random_address(std::mt19937& random) {
  if (random() % 4 == 0) return Address::v4(static_cast<std::uint32_t>(random()));
  std::array<std::uint8_t, 16> bytes{};
  for (auto& byte : bytes) byte = random() % 2 ? 0 : static_cast<std::uint8_t>(random() >> (random() % 8));
  return Address::v6(bytes);
}

TEST(Address, ReadsBothFamilies) {
  EXPECT_EQ(printed("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(printed("0.0.0.0"), "0.0.0.0");
  EXPECT_EQ(printed("255.255.255.255"), "255.255.255.255");
  EXPECT_EQ(printed("2001:DB8::1"), "2001:db8::1");
  EXPECT_EQ(printed("::"), "::");
}

TEST(Address, ReadsLiteralsOfRfc5321) {
  EXPECT_EQ(printed("[192.0.2.7]"), "192.0.2.7");
  EXPECT_EQ(printed("[IPv6:2001:db8::1]"), "2001:db8::1");
  EXPECT_EQ(printed("[ipv6:2001:db8::1]"), "2001:db8::1");
  EXPECT_EQ(printed("IPv6:2001:db8::1"), "2001:db8::1") << "as in the MTA's {client_addr}";
  EXPECT_EQ(printed("[2001:db8::1]"), "error: in brackets an IPv6 address is written [IPv6:...]");
}

TEST(Address, TakesAMappedAddressAsIpv4) {
  EXPECT_EQ(printed("::ffff:192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(printed("::FFFF:c000:207"), "192.0.2.7");
  EXPECT_EQ(address("::ffff:192.0.2.7"), Address::v4(0xc0000207));
  EXPECT_EQ(printed("::192.0.2.7"), "::c000:207") << "compatible is not mapped";
}

TEST(Address, RefusesEverythingElse) {
  for (const std::string_view text : {"",
                                      " ",
                                      "192.0.2",
                                      "192.0.2.7.1",
                                      "192.0.2.256",
                                      "192.0.2.07",
                                      "1",
                                      "0x7f.1",
                                      "192.0.2.7 ",
                                      " 192.0.2.7",
                                      "192.0.2.-7",
                                      "2001:db8",
                                      "2001:db8::1::2",
                                      "1:2:3:4:5:6:7",
                                      "1:2:3:4:5:6:7:8:9",
                                      "12345::",
                                      ":::",
                                      "g::",
                                      "::192.0.2.256",
                                      "[]",
                                      "[",
                                      "[192.0.2.7",
                                      "192.0.2.7]",
                                      "IPv6:",
                                      "[IPv6:192.0.2.7]",
                                      "IPv6:192.0.2.7",
                                      "example.org",
                                      "192.0.2.7/24"})
    EXPECT_EQ(printed(text), "error: not an address such as 192.0.2.7 or 2001:db8::1") << text;
  EXPECT_FALSE(Address::parse(std::string_view("192.0.2.7\0", 10)));
  EXPECT_FALSE(Address::parse(std::string(100'000, '1')));
  EXPECT_EQ(printed("fe80::1%eth0"), "error: an address with a zone is of no use here");
}

TEST(Address, PrintsAsRfc5952Wants) {
  EXPECT_EQ(printed("2001:0db8:0:0:0:0:2:1"), "2001:db8::2:1");
  EXPECT_EQ(printed("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1") << "one group alone is not shortened";
  EXPECT_EQ(printed("2001:0:0:1:0:0:0:1"), "2001:0:0:1::1") << "the longest run";
  EXPECT_EQ(printed("2001:db8:0:0:1:0:0:1"), "2001:db8::1:0:0:1") << "the first of equal runs";
  EXPECT_EQ(printed("1:0:0:0:0:0:0:0"), "1::");
  EXPECT_EQ(printed("0:0:0:0:0:0:0:1"), "::1");
  EXPECT_EQ(printed("0:0:1:0:0:0:0:0"), "0:0:1::");
  EXPECT_EQ(printed("1:2:3:4:5:6:0:0"), "1:2:3:4:5:6::");
}

TEST(Address, PrintedReadsAsTheSameHereAndBySystem) {
  std::mt19937 random(20260101);
  for (int i = 0; i < 20'000; ++i) {
    const Address one = random_address(random);
    const std::string text = one.to_string();
    ASSERT_EQ(address(text), one) << text;
    std::uint8_t bytes[16];
    ASSERT_EQ(inet_pton(one.is_v4() ? AF_INET : AF_INET6, text.c_str(), bytes), 1) << text;
    ASSERT_TRUE(std::equal(one.bytes().begin(), one.bytes().end(), bytes)) << text;
  }
}

TEST(Address, SortsIpv4First) {
  EXPECT_LT(address("255.255.255.255"), address("::1"));
  EXPECT_LT(address("9.0.0.0"), address("10.0.0.0"));
  EXPECT_EQ(Address(), address("0.0.0.0"));
  EXPECT_NE(Address(), address("::"));
}

TEST(Address, HashesApart) {
  std::unordered_set<std::size_t> seen;
  for (std::uint32_t i = 0; i < 10'000; ++i) seen.insert(std::hash<Address>{}(Address::v4(i)));
  for (int length = 0; length <= 32; ++length) seen.insert(std::hash<Prefix>{}(Prefix(Address(), length)));
  seen.insert(std::hash<Address>{}(address("::")));
  EXPECT_EQ(seen.size(), 10'034U);
}

TEST(Prefix, ReadsAndPrints) {
  EXPECT_EQ(printed_prefix("192.0.2.0/24"), "192.0.2.0/24");
  EXPECT_EQ(printed_prefix("0.0.0.0/0"), "0.0.0.0/0");
  EXPECT_EQ(printed_prefix("2001:db8::/32"), "2001:db8::/32");
  EXPECT_EQ(printed_prefix("::/0"), "::/0");
  EXPECT_EQ(printed_prefix("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(printed_prefix("192.0.2.7/32"), "192.0.2.7");
  EXPECT_EQ(printed_prefix("2001:db8::1/128"), "2001:db8::1");
  EXPECT_EQ(printed_prefix("::ffff:192.0.2.0/120"), "192.0.2.0/24");
}

TEST(Prefix, RefusesWithWhatIsMeant) {
  EXPECT_EQ(printed_prefix("192.0.2.7/24"), "error: has bits set behind its length: 192.0.2.0/24 or 192.0.2.7 is meant");
  EXPECT_EQ(printed_prefix("192.0.2.0/33"), "error: after the slash there must be a number from 0 to 32");
  EXPECT_EQ(printed_prefix("::/129"), "error: after the slash there must be a number from 0 to 128");
  for (const std::string_view text : {"192.0.2.0/", "192.0.2.0/ 24", "192.0.2.0/024", "192.0.2.0/-1", "192.0.2.0/+1",
                                      "192.0.2.0/-0", "192.0.2.0/24/24", "192.0.2.0/255.255.255.0", "192.0.2.0/99999999999"})
    EXPECT_EQ(printed_prefix(text), "error: after the slash there must be a number from 0 to 32") << text;
  EXPECT_EQ(printed_prefix("192.0.2/24"), "error: before the slash: not an address such as 192.0.2.7 or 2001:db8::1");
  EXPECT_EQ(printed_prefix(""), "error: not an address or prefix such as 192.0.2.0/24 or 2001:db8::/32");
  EXPECT_EQ(printed_prefix("::ffff:0:0/95"), "error: covers more than IPv4-mapped addresses: write it as an IPv4 prefix");
}

TEST(Prefix, ClearsHostBitsAndClampsItsLength) {
  EXPECT_EQ(Prefix(address("192.0.2.255"), 25).to_string(), "192.0.2.128/25");
  EXPECT_EQ(Prefix(address("2001:db8:ffff::1"), 33).to_string(), "2001:db8:8000::/33");
  EXPECT_EQ(Prefix(address("192.0.2.7"), 64), Prefix(address("192.0.2.7")));
  EXPECT_EQ(Prefix(address("192.0.2.7"), -1).to_string(), "0.0.0.0/0");
}

TEST(Prefix, ContainsItsAddressesAndNoOthers) {
  EXPECT_TRUE(prefix("192.0.2.0/24").contains(address("192.0.2.255")));
  EXPECT_FALSE(prefix("192.0.2.0/24").contains(address("192.0.3.0")));
  EXPECT_TRUE(prefix("192.0.2.128/25").contains(address("192.0.2.128")));
  EXPECT_FALSE(prefix("192.0.2.128/25").contains(address("192.0.2.127")));
  EXPECT_TRUE(prefix("2001:db8::/32").contains(address("2001:db8:ffff::")));
  EXPECT_FALSE(prefix("::/0").contains(address("192.0.2.7")));
  EXPECT_FALSE(prefix("0.0.0.0/0").contains(address("::")));
}

TEST(Prefix, ContainsNarrowerPrefixesOnly) {
  EXPECT_TRUE(prefix("192.0.2.0/24").contains(prefix("192.0.2.0/25")));
  EXPECT_TRUE(prefix("192.0.2.0/24").contains(prefix("192.0.2.0/24")));
  EXPECT_FALSE(prefix("192.0.2.0/24").contains(prefix("192.0.2.0/23")));
  EXPECT_FALSE(prefix("0.0.0.0/0").contains(prefix("::/0")));
}

TEST(Prefix, OfAnAddressContainsExactlyThoseWithTheSameFirstBits) {
  std::mt19937 random(7);
  for (int i = 0; i < 5'000; ++i) {
    const Address one = random_address(random), other = random_address(random);
    const Prefix around(one, static_cast<int>(random() % static_cast<unsigned>(one.bits() + 1)));
    ASSERT_TRUE(around.contains(one));
    ASSERT_EQ(prefix(around.to_string()), around);
    ASSERT_EQ(around.contains(other), other.is_v4() == one.is_v4() && Prefix(other, around.length()) == around);
  }
}

}  // namespace
}  // namespace deferd
