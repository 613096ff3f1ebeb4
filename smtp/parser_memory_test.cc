// What the parsers take of memory.
#include <gtest/gtest.h>

#include <algorithm>

#include "smtp/command.h"
#include "smtp/counted_memory.h"
#include "smtp/line_reader.h"

namespace deferd::smtp {
namespace {

constexpr std::size_t kRead = 4096;

/// The most that is live after any of `count` feeds of `piece`, each followed by as many next() as give a line.
std::size_t most_held(std::string_view piece, int count, std::size_t limit) {
  const std::size_t before = live_bytes();
  LineReader reader;
  std::size_t most = 0;
  for (int i = 0; i < count; ++i) {
    reader.feed(piece);
    while (reader.next(limit)) {
    }
    most = std::max(most, live_bytes() - before);
  }
  return most;
}

TEST(ParserMemory, OfALineReaderIsBoundedWhateverComes) {
  for (const std::size_t limit : {LineReader::kCommandLimit, LineReader::kTextLimit}) {
    const std::size_t bound = 2 * (limit + 2 + kRead) + 64;
    EXPECT_LE(most_held(std::string(kRead, 'x'), 100, limit), bound) << "no end of line";
    EXPECT_LE(most_held(std::string(kRead, '\r'), 100, limit), bound) << "nothing but CR";
    EXPECT_LE(most_held(std::string(kRead, '\n'), 100, limit), bound) << "nothing but LF";
    EXPECT_LE(most_held("x", 20000, limit), bound) << "a byte at a time";
    EXPECT_LE(most_held(std::string(kRead - 1, 'x') + '\n', 100, limit), bound) << "a line a read";
  }
}

TEST(ParserMemory, OfALineReaderGoesBackWhenItShrinks) {
  const std::string line = std::string(2000, 'x') + "\r\n";
  const std::size_t before = live_bytes();
  LineReader reader;
  reader.feed(line);
  ASSERT_TRUE(reader.next(LineReader::kCommandLimit));
  EXPECT_GT(live_bytes(), before + 1900);
  reader.shrink();
  EXPECT_EQ(live_bytes(), before);
}

TEST(ParserMemory, IsNotTakenByCommands) {
  const std::string line = "MAIL FROM:<" + std::string(500, 'a') + "@example.org> SIZE=1000 BODY=8BITMIME";
  const std::size_t before = allocations();
  const auto command = parse_command(line);
  EXPECT_EQ(allocations(), before);
  EXPECT_EQ(command.verb, Verb::mail);
}

}  // namespace
}  // namespace deferd::smtp
