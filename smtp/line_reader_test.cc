#include "smtp/line_reader.h"

#include <gmock/gmock.h>

#include <vector>

namespace deferd::smtp {
namespace {

using namespace std::literals;
using testing::ElementsAre;
using testing::IsEmpty;

/// A line with its marks, which outlives the reader: `text`, and of LF, CR, long what is odd.
std::string shown(const Line& line) {
  std::string out(line.text);
  if (line.bare_lf) out += " (lf)";
  if (line.bare_cr) out += " (cr)";
  if (line.too_long) out += " (long)";
  return out;
}

std::vector<std::string> drain(LineReader& reader, std::size_t limit) {
  std::vector<std::string> lines;
  while (const auto line = reader.next(limit)) lines.push_back(shown(*line));
  return lines;
}

/// The lines of `bytes` when they come in pieces that end at each of `cuts`.
std::vector<std::string> lines_of(std::string_view bytes, std::vector<std::size_t> cuts = {}, std::size_t limit = 100) {
  LineReader reader;
  std::vector<std::string> lines;
  cuts.push_back(bytes.size());
  std::size_t from = 0;
  for (const auto cut : cuts) {
    reader.feed(bytes.substr(from, cut - from));
    for (auto& line : drain(reader, limit)) lines.push_back(std::move(line));
    from = cut;
  }
  return lines;
}

std::vector<std::string> byte_by_byte(std::string_view bytes, std::size_t limit = 100) {
  std::vector<std::size_t> cuts;
  for (std::size_t i = 1; i < bytes.size(); ++i) cuts.push_back(i);
  return lines_of(bytes, cuts, limit);
}

TEST(LineReader, EndsALineAtCrLf) { EXPECT_THAT(lines_of("EHLO a\r\n"), ElementsAre("EHLO a")); }

TEST(LineReader, GivesNothingBeforeTheEndHasCome) {
  LineReader reader;
  for (const char* piece : {"EH", "LO a", "\r"}) {
    reader.feed(piece);
    EXPECT_FALSE(reader.next(100)) << piece;
  }
  reader.feed("\n");
  EXPECT_EQ(shown(*reader.next(100)), "EHLO a");
}

TEST(LineReader, GivesEachOfSeveralLinesInOneRead) {
  EXPECT_THAT(lines_of("MAIL FROM:<>\r\n\r\nRCPT TO:<a@b>\r\nDA"), ElementsAre("MAIL FROM:<>", "", "RCPT TO:<a@b>"));
}

TEST(LineReader, TakesABareLfAsAnEndAndSaysSo) { EXPECT_THAT(lines_of("a\n\nb\r\n"), ElementsAre("a (lf)", " (lf)", "b")); }

TEST(LineReader, NeverEndsALineAtCrAlone) {
  EXPECT_THAT(lines_of("a\rb\r\n"), ElementsAre("a\rb (cr)"));
  EXPECT_THAT(lines_of(".\r.\r\n"), ElementsAre(".\r. (cr)"));
  EXPECT_THAT(lines_of("\r\r\n"), ElementsAre("\r (cr)"));
  EXPECT_THAT(lines_of("\r\n"), ElementsAre(""));
  EXPECT_THAT(lines_of("a\rb\n"), ElementsAre("a\rb (lf) (cr)"));
  EXPECT_THAT(lines_of("a\r"), IsEmpty());
}

TEST(LineReader, KeepsNulAndBytesAbove127) {
  EXPECT_THAT(lines_of("a\0b\xff\xc3\xa9\0\r\n"sv), ElementsAre("a\0b\xff\xc3\xa9\0"s));
}

TEST(LineReader, GivesTheSameLinesHoweverTheyAreCut) {
  const auto bytes = "EHLO a\r\n\r\n\nx\ry\r\r\n\0\r\n0123456789ab\r\n0123456789\r\n\r\r\r0123456789\r\r\nend\r\n"sv;
  const auto whole = lines_of(bytes, {}, 10);
  ASSERT_EQ(whole.size(), 9u);
  EXPECT_EQ(byte_by_byte(bytes, 10), whole);
  for (std::size_t first = 0; first <= bytes.size(); ++first)
    for (std::size_t second = first; second <= bytes.size(); ++second)
      EXPECT_EQ(lines_of(bytes, {first, second}, 10), whole) << first << ", " << second;
}

TEST(LineReader, CutsLinesAboveTheLimitOnly) {
  for (const std::size_t limit : {1u, 10u, 2048u, 8192u}) {
    for (const char* end : {"\r\n", "\n"}) {
      const std::string mark = *end == '\n' ? " (lf)" : "";
      const std::string fits(limit, 'x'), below(limit - 1, 'x'), above(limit + 1, 'x');
      for (const auto& lines : {lines_of(below + end, {}, limit), byte_by_byte(below + end, limit)})
        EXPECT_THAT(lines, ElementsAre(below + mark)) << limit;
      for (const auto& lines : {lines_of(fits + end, {}, limit), byte_by_byte(fits + end, limit)})
        EXPECT_THAT(lines, ElementsAre(fits + mark)) << limit;
      for (const auto& lines : {lines_of(above + end, {}, limit), byte_by_byte(above + end, limit)})
        EXPECT_THAT(lines, ElementsAre(fits + mark + " (long)")) << limit;
    }
  }
}

TEST(LineReader, GoesOnBehindALineThatIsTooLong) {
  const std::string bytes = std::string(1000, 'x') + "\r\nQUIT\r\n";
  EXPECT_THAT(lines_of(bytes, {}, 5), ElementsAre("xxxxx (long)", "QUIT"));
  EXPECT_THAT(byte_by_byte(bytes, 5), ElementsAre("xxxxx (long)", "QUIT"));
}

TEST(LineReader, SeesBareCrAndBareLfInWhatItDrops) {
  for (auto lines : {lines_of, +[](std::string_view bytes, std::vector<std::size_t>, std::size_t limit) {
                       return byte_by_byte(bytes, limit);
                     }}) {
    EXPECT_THAT(lines("aaaaaaa\rb\r\n", {}, 3), ElementsAre("aaa (cr) (long)"));
    EXPECT_THAT(lines("aaaaaaa\r\r\n", {}, 3), ElementsAre("aaa (cr) (long)"));
    EXPECT_THAT(lines("aaa\raaa\r\n", {}, 3), ElementsAre("aaa (cr) (long)"));
    EXPECT_THAT(lines("aaaaaaa\r\n", {}, 3), ElementsAre("aaa (long)"));
    EXPECT_THAT(lines("aaaaaaa\n", {}, 3), ElementsAre("aaa (lf) (long)"));
    EXPECT_THAT(lines("aaaaaaa\rb\nc\r\n", {}, 3), ElementsAre("aaa (lf) (cr) (long)", "c"));
  }
}

TEST(LineReader, TakesANewLimitWithEachLine) {
  LineReader reader;
  reader.feed("aaaa\r\naaaa\r\naaaa");
  EXPECT_EQ(shown(*reader.next(2)), "aa (long)");
  EXPECT_EQ(shown(*reader.next(4)), "aaaa");
  EXPECT_FALSE(reader.next(3));
  reader.feed("a\r\n");
  EXPECT_EQ(shown(*reader.next(100)), "aaa (long)") << "what was dropped does not come back";
}

TEST(LineReader, ShowsWhatIsPending) {
  LineReader reader;
  EXPECT_EQ(reader.pending(), "");
  reader.feed("DATA\r\nx\r\ny");
  EXPECT_EQ(reader.pending(), "DATA\r\nx\r\ny");
  ASSERT_TRUE(reader.next(100));
  EXPECT_EQ(reader.pending(), "x\r\ny");
  ASSERT_TRUE(reader.next(100));
  ASSERT_FALSE(reader.next(100));
  EXPECT_EQ(reader.pending(), "y");
  reader.feed("z\r\n");
  EXPECT_EQ(reader.pending(), "yz\r\n");
}

TEST(LineReader, ForgetsAllWhenCleared) {
  LineReader reader;
  reader.feed("STARTTLS\r\nMAIL FROM:<injected@example.org>\r\nxxx");
  ASSERT_TRUE(reader.next(100));
  reader.clear();
  EXPECT_EQ(reader.pending(), "");
  EXPECT_FALSE(reader.next(100));

  reader.feed("a\raa\raaaaa\r");
  EXPECT_FALSE(reader.next(3));
  reader.clear();
  reader.feed("\nEHLO a\r\n");
  EXPECT_THAT(drain(reader, 100), ElementsAre(" (lf)", "EHLO a")) << "not the rest of a line too long";
}

TEST(LineReader, ShrinksOnlyWhenNothingIsPending) {
  LineReader reader;
  reader.feed(std::string(5000, 'x') + "\r\nNOOP");
  ASSERT_TRUE(reader.next(8192));
  reader.shrink();
  EXPECT_EQ(reader.pending(), "NOOP");
  reader.feed("\r\n");
  ASSERT_TRUE(reader.next(8192));
  reader.shrink();
  reader.feed("QUIT\r\n");
  EXPECT_EQ(shown(*reader.next(100)), "QUIT");
}

TEST(LineReader, HoldsNoMoreThanTheLimitOfALineWithoutEnd) {
  LineReader reader;
  const std::string piece(4096, 'x');
  for (int i = 0; i < 1000; ++i) {
    reader.feed(piece);
    ASSERT_FALSE(reader.next(LineReader::kCommandLimit));
    ASSERT_LE(reader.pending().size(), LineReader::kCommandLimit);
  }
  reader.feed("\r\n");
  const auto line = reader.next(LineReader::kCommandLimit);
  ASSERT_TRUE(line && line->too_long);
  EXPECT_EQ(line->text, piece.substr(0, LineReader::kCommandLimit));
}

}  // namespace
}  // namespace deferd::smtp
