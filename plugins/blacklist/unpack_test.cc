#include "unpack.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "testing_support.h"

namespace deferd::blacklist {
namespace {

/// The text, or `error: ...`; it comes in pieces of that size.
std::string unpacked(std::string_view body, std::uint64_t most = 1 << 20, std::size_t piece = 1 << 20) {
  std::string out;
  Unpacker unpacker(most, into(out));
  Result<void> done;
  for (; done && !body.empty(); body.remove_prefix(std::min(piece, body.size()))) done = unpacker.feed(body.substr(0, piece));
  if (done) done = unpacker.finish();
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

TEST(Unpack, IsTheSameWhereverWhatComesIsCut) {
  const std::string nul("a\0b\n", 4);
  const std::string bodies[] = {"plain\n",
                                "\x1f",
                                "\x1fplain\n",
                                "\x1f\x1f\x8b",
                                nul,
                                packed(nul),
                                packed(""),
                                packed("one\n") + packed("two\n"),
                                packed("one\n") + "\x1f\x8b",
                                "\x1f\x8b",
                                packed("one\n").substr(0, 12),
                                packed("one\n") + "rubbish that is long enough"};
  for (const auto& body : bodies) {
    const auto whole = unpacked(body);
    for (std::size_t first = 0; first <= body.size(); ++first) {
      std::string out;
      Unpacker unpacker(1 << 20, into(out));
      auto done = unpacker.feed(std::string_view(body).substr(0, first));
      if (done) done = unpacker.feed(std::string_view(body).substr(first));
      if (done) done = unpacker.finish();
      EXPECT_EQ(done ? out : "error: " + done.error().what, whole) << first << " of " << body.size();
    }
    for (const std::size_t piece : {1u, 2u, 3u, 7u}) EXPECT_EQ(unpacked(body, 1 << 20, piece), whole) << piece;
  }
}

// Where a piece of the text ends with a piece of what is packed, there must not seem to be more, nor less.
TEST(Unpack, UnpacksTextsOfAnySize) {
  for (const std::size_t size : {64u * 1024 - 1, 64u * 1024, 64u * 1024 + 1, 128u * 1024}) {
    const std::string text(size, 'x');
    EXPECT_EQ(unpacked(packed(text)).size(), size);
    EXPECT_EQ(unpacked(packed(text), 1 << 20, 1).size(), size);
    EXPECT_EQ(unpacked(packed(text) + packed("two\n"), 1 << 20, 5).size(), size + 4);
  }
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
  std::uint64_t given = 0, largest = 0;
  Unpacker unpacker(1 << 20, [&](std::string_view bytes) -> Result<void> {
    given += bytes.size();
    largest = std::max<std::uint64_t>(largest, bytes.size());
    return {};
  });
  const auto done = unpacker.feed(bomb);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().what, "is larger than 1048576 bytes when unpacked");
  EXPECT_LE(given, 1u << 20);
  EXPECT_LE(largest, 64u << 10);
  EXPECT_EQ(unpacked("1234", 3), "error: is larger than 3 bytes when unpacked");
  EXPECT_EQ(unpacked("1234", 3, 1), "error: is larger than 3 bytes when unpacked");
  EXPECT_EQ(unpacked("1234", 4, 1), "1234");
}

TEST(Unpack, EndsWhenNoMoreIsWanted) {
  Unpacker unpacker(10, [](std::string_view) -> Result<void> { return fail(Errc::conflict, "enough"); });
  const auto done = unpacker.feed("text");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().what, "enough");
}

}  // namespace
}  // namespace deferd::blacklist
