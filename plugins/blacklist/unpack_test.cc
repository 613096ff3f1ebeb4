#include "unpack.h"

#include <gtest/gtest.h>

#include "testing_support.h"

namespace deferd::blacklist {
namespace {

/// The text, or `error: ...`.
std::string unpacked(std::string_view body, std::uint64_t most = 1 << 20) {
  std::string out;
  auto done = unpack(body, most, [&](std::string_view bytes) -> Result<void> {
    out += bytes;
    return {};
  });
  return done ? out : "error: " + done.error().what;
}

TEST(Unpack, PassesPlainTextOn) {
  EXPECT_EQ(unpacked("192.0.2.1\n"), "192.0.2.1\n");
  EXPECT_EQ(unpacked(""), "");
  EXPECT_EQ(unpacked("\x1f"), "\x1f");
}

TEST(Unpack, UnpacksWhatIsPackedOnceOrSeveralTimesOver) {
  const std::string text(300'000, 'x');
  EXPECT_EQ(unpacked(packed(text)), text);
  EXPECT_EQ(unpacked(packed("one\n") + packed("two\n")), "one\ntwo\n");
  EXPECT_EQ(unpacked(packed("")), "");
}

TEST(Unpack, RefusesHalfFiles) {
  const auto whole = packed("192.0.2.1\n192.0.2.2\n");
  for (std::size_t size = 2; size < whole.size(); ++size)
    EXPECT_EQ(unpacked(whole.substr(0, size)), "error: is cut off: the packed data does not end") << size;
}

TEST(Unpack, RefusesDamagedFiles) {
  auto damaged = packed("192.0.2.1\n192.0.2.2\n");
  damaged[damaged.size() - 6] ^= 1;  // the checksum
  EXPECT_EQ(unpacked(damaged), "error: is damaged: the packed data cannot be read");
  EXPECT_EQ(unpacked(packed("one\n") + "rubbish"), "error: is damaged: the packed data cannot be read");
}

TEST(Unpack, RefusesBombs) {
  const auto bomb = packed(std::string(50 << 20, '\n'));
  ASSERT_LT(bomb.size(), 100'000u);
  std::uint64_t given = 0;
  const auto done = unpack(bomb, 1 << 20, [&](std::string_view bytes) -> Result<void> {
    given += bytes.size();
    return {};
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().what, "is larger than 1048576 bytes when unpacked");
  EXPECT_LE(given, 1u << 20);
  EXPECT_EQ(unpacked("1234", 3), "error: is larger than 3 bytes when unpacked");
}

TEST(Unpack, EndsWhenNoMoreIsWanted) {
  const auto done = unpack("text", 10, [](std::string_view) -> Result<void> { return fail(Errc::conflict, "enough"); });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().what, "enough");
}

}  // namespace
}  // namespace deferd::blacklist
