#include "store/store_config.h"

#include <gmock/gmock.h>

namespace deferd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::uint64_t bytes(std::string_view text) { return or_throw(Codec<ByteSize>::parse(text)).bytes; }

TEST(ByteSizeTest, ReadsWholeNumbersWithBinaryUnits) {
  EXPECT_EQ(bytes("0"), 0U);
  EXPECT_EQ(bytes("512B"), 512U);
  EXPECT_EQ(bytes("64KiB"), 64U << 10);
  EXPECT_EQ(bytes("256MiB"), 256U << 20);
  EXPECT_EQ(bytes("2GiB"), 2ULL << 30);
  EXPECT_EQ(bytes("1TiB"), 1ULL << 40);
}

TEST(ByteSizeTest, RefusesEverythingElse) {
  for (auto text :
       {"", "64", "MiB", "64MB", "64 MiB", "-1MiB", "1.5GiB", "64mib", "64MiBs", "99999999999999999999B", "99999999TiB"})
    EXPECT_FALSE(Codec<ByteSize>::parse(text)) << text;
  EXPECT_THAT(Codec<ByteSize>::parse("64").error().what, HasSubstr("not a size such as 256MiB"));
}

TEST(ByteSizeTest, PrintsWhatItReads) {
  for (auto text : {"0", "512B", "1KiB", "1025B", "64KiB", "256MiB", "2GiB", "1TiB"})
    EXPECT_EQ(Codec<ByteSize>::print({bytes(text)}), text);
}

TEST(StoreConfigTest, ReadsItsKeys) {
  Value value = Value::map();
  value.set("engine", "memory");
  value.set("path", "./var/db");
  value.set("cache", "256MiB");
  value.set("sync_interval", "500ms");
  const auto config = read_or_throw<StoreConfig>(value);
  EXPECT_EQ(config.engine, StoreConfig::Kind::memory);
  EXPECT_EQ(config.path, "./var/db");
  EXPECT_EQ(config.cache.bytes, 256U << 20);
  EXPECT_EQ(config.sync_interval, 500ms);
}

TEST(StoreConfigTest, RefusesWhatCannotBe) {
  const auto problem = [](std::string_view key, std::string_view text) {
    Value value = Value::map();
    value.set(key, text);
    Problems problems;
    StoreConfig::schema().read(value, problems);
    return problems.to_string("f");
  };
  EXPECT_THAT(problem("engine", "redis"), HasSubstr("rocksdb"));
  EXPECT_THAT(problem("cache", "1MiB"), HasSubstr("must be within 8MiB to 1TiB"));
  EXPECT_THAT(problem("sync_interval", "1h"), HasSubstr("must be within"));
  EXPECT_THAT(problem("path", ""), HasSubstr("path must name a folder"));
}

}  // namespace
}  // namespace deferd
