#include "pfbridge/helper/pf_device.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "pfbridge/helper/fake_pf.h"

namespace deferd::bridge::pf {
namespace {

template <class System>
class PfTablesTest : public testing::Test {
 protected:
  PfTablesTest() { kernel.tables["/white"]; }

  FakePf<System> kernel;
  Tables<System> tables{kernel};
  const TableName white{"", "white"};
};
using Systems = testing::Types<FreeBsd, OpenBsd>;
TYPED_TEST_SUITE(PfTablesTest, Systems);

TYPED_TEST(PfTablesTest, CountsWhatReallyChanged) {
  const std::vector<Entry> two{entry("192.0.2.1"), entry("2001:db8::/32")};
  auto outcome = this->tables.add(this->white, two);
  EXPECT_EQ(outcome.error, 0);
  EXPECT_EQ(outcome.count, 2u);
  EXPECT_EQ(this->tables.add(this->white, two).count, 0u);
  EXPECT_EQ(this->tables.remove(this->white, std::vector{entry("192.0.2.1"), entry("192.0.2.9")}).count, 1u);
}

TYPED_TEST(PfTablesTest, ReadsBackWhatItAdded) {
  const std::vector<Entry> all{entry("192.0.2.1"), entry("198.51.100.0/24"), entry("2001:db8::1"), entry("2001:db8:1::/48")};
  this->tables.add(this->white, all);
  std::vector<Entry> found;
  EXPECT_EQ(this->tables.read(this->white, found).count, 4u);
  std::sort(found.begin(), found.end());
  EXPECT_EQ(found, all);
}

TYPED_TEST(PfTablesTest, ReadsATableThatGrowsMeanwhile) {
  std::vector<Entry> many;
  for (int i = 0; i < 5000; ++i)
    many.push_back(entry(("10." + std::to_string(i / 250) + ".1." + std::to_string(i % 250)).c_str()));
  this->tables.add(this->white, many);
  this->kernel.grows_by = 20;
  std::vector<Entry> found;
  EXPECT_EQ(this->tables.read(this->white, found).error, 0);
  EXPECT_EQ(found.size(), 5020u);
}

TYPED_TEST(PfTablesTest, NeverCreatesATableByAddingToIt) {
  const TableName misspelt{"", "whit"};
  EXPECT_EQ(this->tables.add(misspelt, std::vector{entry("192.0.2.1")}).error, ESRCH);
  EXPECT_EQ(this->kernel.tables.count("/whit"), 0u);
  EXPECT_EQ(this->tables.create(misspelt).count, 1u);
  EXPECT_EQ(this->tables.create(misspelt).count, 0u);
  EXPECT_EQ(this->tables.add(misspelt, std::vector{entry("192.0.2.1")}).count, 1u);
}

TYPED_TEST(PfTablesTest, SeesWhetherATableExists) {
  EXPECT_EQ(this->tables.exists(this->white).error, 0);
  EXPECT_EQ(this->tables.exists({"", "whit"}).error, ESRCH);
}

TYPED_TEST(PfTablesTest, WorksInAnAnchor) {
  const TableName inside{"deferd/grey", "white"};
  EXPECT_EQ(this->tables.create(inside).count, 1u);
  EXPECT_EQ(this->tables.add(inside, std::vector{entry("192.0.2.1")}).count, 1u);
  EXPECT_EQ(this->kernel.tables["deferd/grey/white"].size(), 1u);
  EXPECT_EQ(this->kernel.tables["/white"].size(), 0u);
}

TYPED_TEST(PfTablesTest, RefusesNamesThatDoNotFit) {
  const auto one = std::vector{entry("192.0.2.1")};
  EXPECT_EQ(this->tables.add({"", std::string(32, 'x')}, one).error, EINVAL);
  EXPECT_EQ(this->tables.add({"", ""}, one).error, EINVAL);
  EXPECT_EQ(this->tables.add({std::string(1024, 'a'), "white"}, one).error, EINVAL);
  EXPECT_EQ(this->kernel.calls, 0);
}

TYPED_TEST(PfTablesTest, SendsManyInChunks) {
  std::vector<Entry> many;
  for (unsigned i = 0; i < 70000; ++i) {
    std::array<std::uint8_t, 16> bytes{10, static_cast<std::uint8_t>(i >> 16), static_cast<std::uint8_t>(i >> 8),
                                       static_cast<std::uint8_t>(i)};
    many.push_back(Entry::make(Family::v4, bytes, 32));
  }
  EXPECT_EQ(this->tables.add(this->white, many).count, 70000u);
  EXPECT_EQ(this->kernel.largest, kChunk);
  EXPECT_EQ(this->tables.remove(this->white, many).count, 70000u);
}

TYPED_TEST(PfTablesTest, TellsHowFarItCameWhenTheLimitIsReached) {
  std::vector<Entry> many;
  for (int i = 0; i < 9000; ++i)
    many.push_back(entry(("10." + std::to_string(i / 250) + ".1." + std::to_string(i % 250)).c_str()));
  this->kernel.fail_at = 2;
  this->kernel.failure = ENOMEM;
  const auto outcome = this->tables.add(this->white, many);
  EXPECT_EQ(outcome.error, ENOMEM);
  EXPECT_EQ(outcome.count, kChunk);
  EXPECT_EQ(this->kernel.calls, 2);
}

TYPED_TEST(PfTablesTest, FindsTheOriginalDestination) {
  const auto found = this->tables.original_destination({entry("192.0.2.7"), 40000}, {entry("127.0.0.1"), 8025});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->address, entry("203.0.113.25"));
  EXPECT_EQ(found->port, 25);
  EXPECT_FALSE(this->tables.original_destination({entry("192.0.2.7"), 40001}, {entry("127.0.0.1"), 8025}));
  EXPECT_FALSE(this->tables.original_destination({entry("192.0.2.7"), 40000}, {entry("::1"), 8025}));
}

TYPED_TEST(PfTablesTest, LeavesNegatedAndForeignEntriesAlone) {
  auto address = Tables<TypeParam>::encode(entry("192.0.2.1"));
  address.negated = 1;
  EXPECT_FALSE(Tables<TypeParam>::decode(address));
  address.negated = 0;
  address.family = 99;
  EXPECT_FALSE(Tables<TypeParam>::decode(address));
}

TEST(PfLayoutTest, EncodesAnAddressAsTheSystemDoes) {
  const auto freebsd = Tables<FreeBsd>::encode(entry("2001:db8::/32"));
  const std::uint8_t expected[20] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 28, 32, 0, 0};
  EXPECT_EQ(std::memcmp(&freebsd, expected, sizeof expected), 0);
  const auto openbsd = Tables<OpenBsd>::encode(entry("192.0.2.7"));
  std::uint8_t wanted[52] = {192, 0, 2, 7};
  wanted[38] = 2;
  wanted[39] = 32;
  EXPECT_EQ(std::memcmp(&openbsd, wanted, sizeof wanted), 0);
}

}  // namespace
}  // namespace deferd::bridge::pf
