// Prefix sets against a model that cannot be wrong: an array of bool for a small piece of the address space, laid where the
// arithmetic is delicate.
#include <gtest/gtest.h>

#include <array>
#include <bitset>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "deferd/prefix_set.h"
#include "support/many.h"

namespace deferd {
namespace {

/// 256 addresses (or /64s) from `first` on.
struct Place {
  const char* first;
  std::size_t counted;  ///< Byte of the address that counts the 256.
  bool networks;
};

constexpr std::array<Place, 9> kPlaces = {{
    {"0.0.0.0", 3, false},
    {"192.0.2.0", 3, false},
    {"255.255.255.0", 3, false},
    {"::", 15, false},
    {"2001:db8::", 15, false},
    {"2001:db8:0:0:ff00::", 7, false},  // the counted byte is the last before the 64th bit: see at()
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff00", 15, false},
    {"2001:db8::", 7, true},
    {"ffff:ffff:ffff:ff00::", 7, true},
}};

using Model = std::bitset<256>;

Address at(const Place& place, unsigned i, bool last) {
  const auto base = *Address::parse(place.first);
  std::array<std::uint8_t, 16> bytes{};
  std::copy(base.bytes().begin(), base.bytes().end(), bytes.begin());
  if (base.is_v4()) return Address::v4(static_cast<std::uint32_t>(bytes[0]) << 24 | bytes[1] << 16 | bytes[2] << 8 | i);
  if (place.counted == 7 && !place.networks) {  // 128 on each side of the border between two /64s
    bytes[7] = i < 128 ? 0 : 1;
    std::fill(bytes.begin() + 8, bytes.end(), static_cast<std::uint8_t>(i < 128 ? 0xff : 0));
    bytes[15] = static_cast<std::uint8_t>(i < 128 ? 128 + i : i - 128);
    return Address::v6(bytes);
  }
  bytes[place.counted] = static_cast<std::uint8_t>(i);
  if (place.networks) std::fill(bytes.begin() + 8, bytes.end(), static_cast<std::uint8_t>(last ? 0xff : 0));
  return Address::v6(bytes);
}

AddressRange range(const Place& place, unsigned first, unsigned last) {
  return *AddressRange::between(at(place, first, false), at(place, last, true));
}

Model contained(const Place& place, const PrefixSet& set) {
  Model model;
  for (unsigned i = 0; i < 256; ++i) {
    model[i] = set.contains(at(place, i, false));
    EXPECT_EQ(model[i], set.contains(at(place, i, true)));
  }
  return model;
}

/// The fewest prefixes, found by trying the largest first.
std::vector<Prefix> fewest(const Place& place, const Model& model) {
  std::vector<Prefix> out;
  for (unsigned i = 0; i < 256;) {
    if (!model[i]) {
      ++i;
      continue;
    }
    for (unsigned size = 256;; size /= 2) {
      if (i + size > 256) continue;
      const Address first = at(place, i, false);
      const int host_bits = std::countr_zero(size) + (place.networks ? 64 : 0);
      const Prefix prefix(first, first.bits() - host_bits);
      bool fits = prefix.address() == first;
      for (unsigned j = i; fits && j < i + size; ++j) fits = model[j] && prefix.contains(at(place, j, true));
      if (!fits) continue;
      out.push_back(prefix);
      i += size;
      break;
    }
  }
  return out;
}

/// Every aligned block of the piece is asked about.
void expect_finds(const Place& place, const PrefixSet& set, const Model& model) {
  for (unsigned size = 1; size <= 256; size *= 2)
    for (unsigned i = 0; i < 256; i += size) {
      const Address first = at(place, i, false), last = at(place, i + size - 1, true);
      const Prefix block(first, first.bits() - std::countr_zero(size) - (place.networks ? 64 : 0));
      if (block.address() != first || !block.contains(last)) continue;
      bool any = false;
      for (unsigned j = i; j < i + size; ++j) any = any || model[j];
      ASSERT_EQ(set.overlaps(block), any) << block.to_string();
      const auto found = set.find(first);
      ASSERT_EQ(found.has_value(), model[i]) << first.to_string();
      ASSERT_TRUE(!found || found->contains(first)) << found->to_string();
    }
  for (const auto& prefix : set) ASSERT_EQ(set.find(AddressRange(prefix).last()), prefix);
}

void expect_is(const Place& place, const PrefixSet& set, const Model& model) {
  ASSERT_EQ(contained(place, set), model) << place.first;
  expect_finds(place, set, model);
  std::vector<Prefix> prefixes;
  for (const auto& prefix : set) prefixes.push_back(prefix);
  ASSERT_EQ(prefixes, fewest(place, model)) << place.first;
  ASSERT_EQ(set.size(), prefixes.size());
  ASSERT_EQ(set.empty(), model.none());
  const auto covered = set.coverage();
  const bool v4 = at(place, 0, false).is_v4();
  if (v4 || place.networks) {
    ASSERT_EQ(v4 ? covered.v4_addresses : covered.v6_networks, model.count());
  }
}

class PrefixSetModelTest : public testing::TestWithParam<std::size_t> {
 protected:
  const Place& place_ = kPlaces[GetParam()];
};
INSTANTIATE_TEST_SUITE_P(Everywhere, PrefixSetModelTest, testing::Range<std::size_t>(0, kPlaces.size()));

TEST_P(PrefixSetModelTest, OneRangeLessAnotherIsRightForAllPairs) {
  constexpr unsigned kSide = many(10) == 10 ? 16 : 8;  // so many addresses: at the end, the border or the begin
  const unsigned from = GetParam() == 5 ? 128 - kSide / 2 : GetParam() % 2 == 0 ? 256 - kSide : 0;
  for (unsigned a = 0; a < kSide; ++a)
    for (unsigned b = a; b < kSide; ++b)
      for (unsigned c = 0; c < kSide; ++c)
        for (unsigned d = c; d < kSide; ++d) {
          PrefixSetBuilder builder;
          builder.add(range(place_, from + a, from + b));
          builder.except(range(place_, from + c, from + d));
          const auto set = builder.build();
          for (unsigned i = 0; i < kSide; ++i)
            ASSERT_EQ(set.contains(at(place_, from + i, false)), a <= i && i <= b && (i < c || d < i))
                << a << '-' << b << " less " << c << '-' << d << " at " << i;
        }
}

TEST_P(PrefixSetModelTest, ManyRangesLessManyOthersIsRight) {
  std::mt19937 random(static_cast<unsigned>(GetParam()));
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  Model former_model;
  PrefixSet former;
  for (std::size_t round = 0; round < many(60); ++round) {
    PrefixSetBuilder builder;
    Model black, white;
    const unsigned longest = 1 + below(60);
    for (auto* side : {&black, &white})
      for (unsigned n = below(side == &black ? 40 : 15); n > 0; --n) {
        const unsigned first = below(256);
        const unsigned last = std::min(255U, first + below(longest));
        for (unsigned i = first; i <= last; ++i) side->set(i);
        if (side == &black)
          builder.add(range(place_, first, last));
        else
          builder.except(range(place_, first, last));
      }
    const auto set = builder.build();
    const Model model = black & ~white;
    expect_is(place_, set, model);
    expect_is(place_, united(set, former), model | former_model);
    expect_is(place_, without(set, former), model & ~former_model);
    expect_is(place_, without(former, set), former_model & ~model);
    EXPECT_EQ(set == former, model == former_model);
    if (HasFatalFailure()) return;
    former = set;
    former_model = model;
  }
}

TEST(PrefixSetModelTest, FindsTheEndsOfAHundredThousandPrefixes) {
  std::mt19937_64 random(7);
  PrefixSetBuilder builder;
  std::vector<Prefix> prefixes;
  for (int i = 0; i < 100'000; ++i) {
    std::array<std::uint8_t, 16> bytes;
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    bytes[0] = 0x20;
    prefixes.push_back(i % 2 == 0
                           ? Prefix(Address::v4(static_cast<std::uint32_t>(random())), static_cast<int>(16 + random() % 17))
                           : Prefix(Address::v6(bytes), static_cast<int>(24 + random() % 105)));
    builder.add(prefixes.back());
  }
  const auto set = builder.build();
  for (const auto& prefix : prefixes) {
    const AddressRange ends = prefix;
    ASSERT_TRUE(set.contains(ends.first())) << prefix.to_string();
    ASSERT_TRUE(set.contains(ends.last())) << prefix.to_string();
  }
  // What is between two neighbours is not in the set: nothing is merged that does not touch.
  std::size_t gaps = 0;
  std::optional<Prefix> before;
  for (const auto& prefix : set) {
    if (before && before->address().is_v4() == prefix.address().is_v4()) {
      ASSERT_LT(AddressRange(*before).last(), prefix.address());
      auto bytes = std::array<std::uint8_t, 16>{};
      const auto last = AddressRange(*before).last();
      std::copy(last.bytes().begin(), last.bytes().end(), bytes.begin());
      for (std::size_t i = last.bytes().size(); i-- > 0;)
        if (++bytes[i] != 0) break;
      const auto next = last.is_v4()
                            ? Address::v4(static_cast<std::uint32_t>(bytes[0]) << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3])
                            : Address::v6(bytes);
      ASSERT_EQ(set.contains(next), next == prefix.address()) << next.to_string();
      ++gaps;
    }
    before = prefix;
  }
  EXPECT_GT(gaps, 50'000u);
}

}  // namespace
}  // namespace deferd
