#include "deferd/prefix_set.h"

#include <gtest/gtest.h>

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml.h"

namespace deferd {
namespace {

Address address(std::string_view text) { return *Address::parse(text); }

/// As spamd-setup(8) reads it: set host bits are where the range begins.
AddressRange range(std::string_view text) {
  if (const auto dash = text.find(" - "); dash != std::string_view::npos)
    return *AddressRange::between(address(text.substr(0, dash)), address(text.substr(dash + 3)));
  if (const auto prefix = Prefix::parse(text)) return *prefix;
  const auto slash = text.find('/');
  int length = 0;
  std::from_chars(text.data() + slash + 1, text.data() + text.size(), length);
  std::uint32_t first = 0;
  const auto begin = address(text.substr(0, slash));
  for (const auto byte : begin.bytes()) first = first << 8 | byte;
  return *AddressRange::between(begin, Address::v4(first + (1U << (32 - length)) - 1));
}

PrefixSet set_of(const std::vector<std::string>& black, const std::vector<std::string>& white = {}) {
  PrefixSetBuilder builder;
  for (const auto& entry : black) builder.add(range(entry));
  for (const auto& entry : white) builder.except(range(entry));
  return builder.build();
}

std::string text(const PrefixSet& set) {
  std::string out;
  for (const auto& prefix : set) {
    if (!out.empty()) out += ' ';
    out += prefix.address().to_string() + '/' + std::to_string(prefix.length());
  }
  return out;
}

std::vector<std::string> strings(const Value* list) {
  std::vector<std::string> out;
  for (const auto& item : list->items()) out.push_back(item.text());
  return out;
}

TEST(PrefixSetTest, CollapsesAndSubtractsAsSpamdSetupDoes) {
  Problems problems;
  const auto vectors = load_yaml(CIDR_VECTORS, problems);  // JSON is YAML
  ASSERT_TRUE(vectors);
  const auto& examples = vectors->find("examples")->items();
  ASSERT_EQ(examples.size(), 12u);
  for (const auto& example : examples) {
    const auto black = strings(example.find("black"));
    std::string expected;
    for (const auto& prefix : strings(example.find("cidr"))) expected += (expected.empty() ? "" : " ") + prefix;
    EXPECT_EQ(text(set_of(black, strings(example.find("white")))), expected) << black.front();
  }
}

TEST(PrefixSetTest, IsEmptyWhenDefaultMade) {
  const PrefixSet set;
  EXPECT_TRUE(set.empty());
  EXPECT_FALSE(set.contains(address("0.0.0.0")));
  EXPECT_FALSE(set.contains(address("::")));
  EXPECT_EQ(text(set), "");
  EXPECT_EQ(set.coverage(), Coverage{});
}

TEST(PrefixSetTest, KeepsTheFamiliesApart) {
  const auto set = set_of({"192.0.2.0/24", "2001:db8::/32"});
  EXPECT_TRUE(set.contains(address("192.0.2.255")));
  EXPECT_TRUE(set.contains(address("::ffff:192.0.2.255"))) << "a mapped address is the IPv4 one";
  EXPECT_TRUE(set.contains(address("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff")));
  EXPECT_FALSE(set.contains(address("::192.0.2.255")));
  EXPECT_FALSE(set.contains(address("2001:db9::")));
  EXPECT_EQ(text(set), "192.0.2.0/24 2001:db8::/32");
}

TEST(PrefixSetTest, ReachesBothEndsOfIPv4) {
  const auto ends = set_of({"0.0.0.0 - 0.0.0.4", "255.255.255.250 - 255.255.255.255"});
  EXPECT_EQ(text(ends), "0.0.0.0/30 0.0.0.4/32 255.255.255.250/31 255.255.255.252/30");
  EXPECT_TRUE(ends.contains(address("0.0.0.0")));
  EXPECT_FALSE(ends.contains(address("0.0.0.5")));
  EXPECT_FALSE(ends.contains(address("255.255.255.249")));
  EXPECT_TRUE(ends.contains(address("255.255.255.255")));

  const auto all = set_of({"0.0.0.0 - 127.255.255.255", "128.0.0.0/1"});
  EXPECT_EQ(text(all), "0.0.0.0/0");
  EXPECT_EQ(all.coverage(), (Coverage{std::uint64_t{1} << 32, 0}));
  EXPECT_EQ(text(set_of({"0.0.0.0/0"}, {"255.255.255.255"})).substr(0, 20), "0.0.0.0/1 128.0.0.0/");
  EXPECT_TRUE(set_of({"0.0.0.0/0"}, {"0.0.0.0/0"}).empty());
}

TEST(PrefixSetTest, ReachesBothEndsOfIPv6) {
  const std::string last = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  const auto ends = set_of({":: - ::2", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffc - " + last});
  EXPECT_EQ(text(ends), "::/127 ::2/128 ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffc/126");
  EXPECT_TRUE(ends.contains(address("::")));
  EXPECT_TRUE(ends.contains(address(last)));
  EXPECT_FALSE(ends.contains(address("::3")));

  const auto all = set_of({":: - " + last});
  EXPECT_EQ(text(all), "::/0");
  EXPECT_TRUE(all.contains(address("2001:db8::1")));
  EXPECT_EQ(all.coverage().v6_networks, ~std::uint64_t{0});
  EXPECT_EQ(set_of({"::/0"}, {last}).size(), 128u);
}

TEST(PrefixSetTest, MergesIPv6AcrossThe64thBit) {
  EXPECT_EQ(text(set_of({"2001:db8::/65", "2001:db8:0:0:8000::/65"})), "2001:db8::/64");
  EXPECT_EQ(text(set_of({"2001:db8::/65", "2001:db8:0:0:8000::/65", "2001:db8:0:1::/64"})), "2001:db8::/63");
  EXPECT_EQ(text(set_of({"2001:db8::/63"}, {"2001:db8:0:1:8000::/65"})), "2001:db8::/64 2001:db8:0:1::/65");
  EXPECT_EQ(text(set_of({"2001:db8::ffff:ffff:ffff:fffe - 2001:db8:0:2::1"})),
            "2001:db8::ffff:ffff:ffff:fffe/127 2001:db8:0:1::/64 2001:db8:0:2::/127");
}

TEST(PrefixSetTest, CountsTouchedNetworksOnce) {
  EXPECT_EQ(set_of({"2001:db8::1", "2001:db8::7", "2001:db8:0:1::/80", "2001:db8:1::/48"}).coverage(), (Coverage{0, 65'538}));
  EXPECT_EQ(set_of({"192.0.2.0/24", "192.0.2.7", "198.51.100.1"}).coverage(), (Coverage{257, 0}));
}

TEST(PrefixSetTest, NeverPrintsMappedAddressesAsIPv6) {
  EXPECT_EQ(*range("::/80").first().bytes().begin(), 0);
  EXPECT_FALSE(range("::/80").last().is_v4());
  const auto rest = set_of({"::/0"}, {":: - ::fffe:ffff:ffff"});
  for (const auto& prefix : rest) EXPECT_FALSE(prefix.address().is_v4()) << prefix.to_string();
  EXPECT_TRUE(rest.contains(address("::1:0:0:0")));
}

TEST(PrefixSetTest, TellsWhatWasAddedAndRemoved) {
  const auto former = set_of({"192.0.2.0/24", "2001:db8::/48"});
  const auto now = set_of({"192.0.2.128 - 192.0.3.255", "2001:db8::/47"});
  EXPECT_EQ(text(without(now, former)), "192.0.3.0/24 2001:db8:1::/48");
  EXPECT_EQ(text(without(former, now)), "192.0.2.0/25");
  EXPECT_EQ(text(united(former, now)), "192.0.2.0/23 2001:db8::/47");
  EXPECT_TRUE(without(now, now).empty());
  EXPECT_EQ(united(without(former, without(former, now)), without(now, former)), now) << "changes lead from one to the other";
}

TEST(PrefixSetTest, BuildsAnewAfterBuilding) {
  PrefixSetBuilder builder;
  builder.add(range("192.0.2.1"));
  builder.except(range("192.0.2.2"));
  EXPECT_EQ(text(builder.build()), "192.0.2.1/32");
  builder.add(range("192.0.2.2"));
  EXPECT_EQ(text(builder.build()), "192.0.2.2/32");
}

/// More than are kept as they came, in an order of their own: what they are must not depend on when they were folded together.
TEST(PrefixSetTest, TakesMoreThanAMillionInAnyOrder) {
  constexpr std::uint32_t kCount = 1'200'000, kAll = 1u << 21;
  const auto shuffled = [](std::uint32_t i) { return i * 2'654'435'761u % kAll; };  // an odd factor: each number once
  PrefixSetBuilder builder;
  builder.add(range("2001:db8::/32"));
  builder.add(range("2001:db9::7"));
  std::vector<bool> listed(kAll);
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const auto number = shuffled(i);
    listed[number] = true;
    builder.add(Address::v4(2 * number));  // no two are neighbours
    if (i % 1000 == 0) builder.except(Address::v4(2 * number));
    if (i % 1000 == 0) listed[number] = false;
  }
  builder.add(range("2001:db8::/31"));
  const auto set = builder.build();
  EXPECT_EQ(set.size(), kCount - kCount / 1000 + 1);
  std::uint32_t next = 0;
  for (const auto& prefix : set) {
    if (!prefix.address().is_v4()) {
      EXPECT_EQ(prefix, *Prefix::parse("2001:db8::/31"));
      continue;
    }
    while (next < kAll && !listed[next]) ++next;
    ASSERT_EQ(prefix, Prefix(Address::v4(2 * next)));
    ++next;
  }
  while (next < kAll && !listed[next]) ++next;
  EXPECT_EQ(next, kAll);
}

TEST(AddressRangeTest, RefusesEndsThatDoNotMatch) {
  EXPECT_FALSE(AddressRange::between(address("192.0.2.9"), address("192.0.2.1")));
  EXPECT_FALSE(AddressRange::between(address("192.0.2.9"), address("2001:db8::")));
  const auto one = AddressRange::between(address("2001:db8::"), address("2001:db8::"));
  ASSERT_TRUE(one);
  EXPECT_EQ(*one, AddressRange(address("2001:db8::")));
}

TEST(AddressRangeTest, HoldsBothEnds) {
  const AddressRange prefix = *Prefix::parse("192.0.2.0/30");
  EXPECT_FALSE(prefix.contains(address("192.0.1.255")));
  EXPECT_TRUE(prefix.contains(address("192.0.2.0")));
  EXPECT_TRUE(prefix.contains(address("192.0.2.3")));
  EXPECT_FALSE(prefix.contains(address("192.0.2.4")));
  EXPECT_FALSE(prefix.contains(address("2001:db8::")));
}

}  // namespace
}  // namespace deferd
