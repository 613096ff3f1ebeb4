// What the tables shall hold, against a model that cannot be wrong: a few bools an address.
#include "pfbridge/wanted.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "pfbridge/prefixes.h"
#include "support/many.h"

namespace deferd::pfbridge {
namespace {

Prefix prefix(std::string_view text) { return *Prefix::parse(text); }

TEST(PrefixesTest, AreTheSameForTheHelper) {
  for (const char* text : {"192.0.2.1", "192.0.2.0/24", "0.0.0.0/0", "2001:db8::1", "2001:db8::/32", "::/0"}) {
    EXPECT_EQ(entry_of(prefix(text)).to_string(), text);
    EXPECT_EQ(prefix_of(*bridge::Entry::parse(text)), prefix(text));
  }
}

TEST(PrefixesTest, Halve) {
  EXPECT_EQ(half_of(prefix("192.0.2.0/24"), false), prefix("192.0.2.0/25"));
  EXPECT_EQ(half_of(prefix("192.0.2.0/24"), true), prefix("192.0.2.128/25"));
  EXPECT_EQ(sibling_of(prefix("192.0.2.1")), prefix("192.0.2.0"));
  EXPECT_EQ(sibling_of(prefix("2001:db8::/33")), prefix("2001:db8:8000::/33"));
  EXPECT_EQ(half_of(prefix("::fffe:0:0/95"), true), std::nullopt) << "that is IPv4";
}

/// 32 addresses.
class WantedModel : public testing::TestWithParam<const char*> {
 protected:
  static constexpr int kBits = 5;

  Prefix random_prefix() {
    const auto base = Address::parse(GetParam()).value();
    const auto within = entry_of(Prefix(base));
    auto bytes = within.bytes;
    const std::size_t last = base.is_v4() ? 3 : 15;
    bytes[last] = static_cast<std::uint8_t>((bytes[last] & ~31) | random() % 32);
    return Prefix(prefix_of(bridge::Entry::make(within.family, bytes, 128)).address(),
                  base.bits() - static_cast<int>(random() % (kBits + 1)) / (1 + static_cast<int>(random() % 2)));
  }
  bool is_exempt(const Address& address) const { return exempt && exempt->contains(address); }
  bool is_trapped(const Address& address) const {
    return !is_exempt(address) &&
           std::any_of(trapped.begin(), trapped.end(), [&](const Prefix& row) { return row.contains(address); });
  }
  bool is_black(const Address& address) const { return !is_exempt(address) && black && black->contains(address); }
  bool is_white(const Address& address) const {
    return !is_trapped(address) && !is_black(address) &&
           std::any_of(white.begin(), white.end(), [&](const auto& row) { return row.first.contains(address); });
  }
  std::set<Prefix> all(const Wanted& wanted, Set set) const {
    std::set<Prefix> entries;
    wanted.each(set, [&](const Prefix& entry) { EXPECT_TRUE(entries.insert(entry).second) << entry.to_string(); });
    return entries;
  }
  void expect_right(const Wanted& wanted, Set set, const std::map<Prefix, Time>& told,
                    const std::function<bool(const Address&)>& is) {
    const auto entries = all(wanted, set);
    ASSERT_EQ(wanted.count(set), entries.size());
    if (has_rows(set)) {  // of a set that is shown the first is not told
      std::set<Prefix> told_entries;
      for (const auto& [entry, until] : told) {
        told_entries.insert(entry);
        ASSERT_EQ(wanted.find(set, entry), until) << entry.to_string();
      }
      ASSERT_EQ(told_entries, entries) << "whoever does what is told has the table as it shall be";
    }
    const auto base = entry_of(Prefix(Address::parse(GetParam()).value()));
    for (unsigned i = 0; i < 32; ++i) {
      auto bytes = base.bytes;
      const std::size_t last = base.family == bridge::Family::v4 ? 3 : 15;
      bytes[last] = static_cast<std::uint8_t>((bytes[last] & ~31) | i);
      const auto address = prefix_of(bridge::Entry::make(base.family, bytes, 128)).address();
      bool covered = false;
      for (const auto& entry : entries) covered = covered || entry.contains(address);
      ASSERT_EQ(covered, is(address)) << to_string(set) << ' ' << address.to_string();
    }
  }

  std::mt19937 random{5};
  std::map<Prefix, Time> white;
  std::set<Prefix> trapped;
  std::shared_ptr<const PrefixSet> black, exempt;
};
INSTANTIATE_TEST_SUITE_P(Both, WantedModel, testing::Values("192.0.2.64", "2001:db8::40"),
                         [](const auto& place) { return std::string(place.index == 0 ? "IPv4" : "IPv6"); });

TEST_P(WantedModel, IsRightAfterEachOfManyChanges) {
  std::map<Set, std::map<Prefix, Time>> told;
  Wanted* asked = nullptr;
  Wanted wanted([&](Set set, const Prefix& entry, bool) {
    if (const auto until = asked->find(set, entry))
      told[set][entry] = *until;
    else
      told[set].erase(entry);
  });
  asked = &wanted;
  const auto some = [&]() -> std::shared_ptr<const PrefixSet> {
    if (random() % 8 == 0) return nullptr;
    PrefixSetBuilder builder;
    for (auto n = random() % 4; n > 0; --n) builder.add(random_prefix());
    return std::make_shared<const PrefixSet>(builder.build());
  };
  for (int round = 0; round < static_cast<int>(many(4'000)); ++round) {
    const auto place = random_prefix();
    const Time expires{std::chrono::hours(1 + random() % 3)};
    switch (random() % 8) {
      case 0:
      case 1:
        white[place] = expires;
        wanted.put(Set::white, place, expires);
        break;
      case 2:
        white.erase(place);
        wanted.erase(Set::white, place);
        break;
      case 3:
      case 4:
        trapped.insert(place);
        wanted.put(Set::trapped, place, expires);
        break;
      case 5:
        trapped.erase(place);
        wanted.erase(Set::trapped, place);
        break;
      case 6:
        wanted.show(black = some(), exempt);
        break;
      case 7:
        wanted.show(black, exempt = some());
        break;
    }
    // Now and then nearly all goes, so that much and little both happen.
    if (round % 40 == 39) {
      for (const auto& row : std::exchange(trapped, {})) wanted.erase(Set::trapped, row);
      for (const auto& [row, time] : std::exchange(white, {})) wanted.erase(Set::white, row);
    }
    expect_right(wanted, Set::white, told[Set::white], [&](const Address& address) { return is_white(address); });
    expect_right(wanted, Set::trapped, told[Set::trapped], [&](const Address& address) { return is_trapped(address); });
    expect_right(wanted, Set::black, told[Set::black], [&](const Address& address) { return is_black(address); });
    expect_right(wanted, Set::exempt, told[Set::exempt], [&](const Address& address) { return is_exempt(address); });
    if (HasFatalFailure()) FAIL() << "in round " << round;
  }
}

TEST(WantedTest, TellsOfWhatIsShownWhatIsNotAsBefore) {
  for (const Set shown : {Set::black, Set::exempt}) {
    std::vector<std::string> told;
    Wanted wanted([&](Set set, const Prefix& entry, bool was) {
      if (set == shown) told.push_back(entry.to_string() + (was ? " goes" : " comes"));
    });
    const auto show = [&](std::vector<const char*> entries) {
      PrefixSetBuilder builder;
      for (const char* entry : entries) builder.add(prefix(entry));
      const auto set = std::make_shared<const PrefixSet>(builder.build());
      told.clear();
      shown == Set::black ? wanted.show(set, nullptr) : wanted.show(nullptr, set);
    };
    EXPECT_FALSE(wanted.is_known(shown));
    show({"192.0.2.0", "198.51.100.1"});
    EXPECT_TRUE(told.empty()) << "of a first one nothing has changed";
    show({"192.0.2.0", "192.0.2.1", "198.51.100.1"});
    EXPECT_EQ(told, (std::vector<std::string>{"192.0.2.0/31 comes", "192.0.2.0 goes"})) << "two became one";
    EXPECT_TRUE(wanted.find(shown, prefix("192.0.2.0/31")));
    EXPECT_FALSE(wanted.find(shown, prefix("192.0.2.0")));
    EXPECT_EQ(wanted.count(shown), 2u);
  }
}

TEST(WantedTest, CopiesNoListThatNobodyExemptIsOn) {
  Wanted wanted([](Set, const Prefix&, bool) {});
  const auto set = [](const char* entry) {
    PrefixSetBuilder builder;
    builder.add(prefix(entry));
    return std::make_shared<const PrefixSet>(builder.build());
  };
  const auto black = set("192.0.2.0/24");
  wanted.show(black, set("198.51.100.1"));
  EXPECT_EQ(black.use_count(), 2);
  wanted.show(black, set("192.0.2.1"));
  EXPECT_EQ(black.use_count(), 1);
  EXPECT_EQ(wanted.count(Set::black), 8u);
}

TEST(WantedTest, SaysWhichRowsAScanDidNotFindAgain) {
  Wanted wanted([](Set, const Prefix&, bool) { FAIL(); });
  PrefixRows white;
  white.put(prefix("192.0.2.1"), Time{});
  white.put(prefix("192.0.2.2"), Time{});
  EXPECT_TRUE(wanted.replace(white, {}).empty());
  white.erase(prefix("192.0.2.1"));
  const auto gone = wanted.replace(white, {});
  ASSERT_EQ(gone.size(), 1u);
  EXPECT_EQ(gone[0].row, prefix("192.0.2.1"));
  EXPECT_EQ(wanted.count(Set::white), 1u);
}

}  // namespace
}  // namespace deferd::pfbridge
