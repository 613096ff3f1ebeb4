#include "smtp/message_end.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>

namespace deferd::smtp {
namespace {

using Found = MessageEnd::Found;

struct Looked {
  Found found = Found::nothing;
  std::string passed;  // what may go on
  std::string rest;    // what was not looked at, or was in doubt
};

bool operator==(const Looked& a, const Looked& b) { return a.found == b.found && a.passed == b.passed && a.rest == b.rest; }
std::ostream& operator<<(std::ostream& out, const Looked& outcome) {
  return out << static_cast<int>(outcome.found) << " " << testing::PrintToString(outcome.passed) << " "
             << testing::PrintToString(outcome.rest);
}

/// Looks at `text` in pieces that end where `cut` says.
template <class Cut>
Looked look(std::string_view text, Cut cut) {
  MessageEnd end;
  Looked outcome;
  std::string kept;
  for (std::size_t i = 0; i < text.size(); ++i) {
    kept += text[i];
    if (!cut(i) && i + 1 < text.size()) continue;
    const auto seen = end.look(kept);
    outcome.passed += kept.substr(0, seen.size);
    kept.erase(0, seen.size);
    if (seen.found != Found::nothing) {
      outcome.found = seen.found;
      outcome.rest = kept + std::string(text.substr(i + 1));
      return outcome;
    }
    EXPECT_LE(kept.size(), 2u);
  }
  outcome.rest = kept;
  return outcome;
}

Looked look(std::string_view text) {
  return look(text, [](std::size_t) { return false; });
}

TEST(MessageEnd, IsADotBetweenTwoLineEnds) {
  EXPECT_EQ(look(".\r\nQUIT\r\n"), (Looked{Found::end, ".\r\n", "QUIT\r\n"}));
  EXPECT_EQ(look("a\r\n.\r\nQUIT\r\n"), (Looked{Found::end, "a\r\n.\r\n", "QUIT\r\n"}));
  EXPECT_EQ(look("\r\r\n.\r\n"), (Looked{Found::end, "\r\r\n.\r\n", ""}));
  EXPECT_EQ(look("\n\r\n.\r\n"), (Looked{Found::end, "\n\r\n.\r\n", ""}));
}

TEST(MessageEnd, IsNoOtherDot) {
  for (const std::string text :
       {"..\r\nx", "a.\r\nx", "\r\n..\r\nx", "\r\n. \r\nx", "\r\n.x\r\n", "a\n.b\nx", "a\r.b\rx", "x.y.z\r\n"})
    EXPECT_EQ(look(text), (Looked{Found::nothing, text, ""})) << testing::PrintToString(text);
}

TEST(MessageEnd, IsInDoubtIfItsLineEndsAreOthers) {
  for (const std::string before : {"\r\n", "\n", "\r"})
    for (const std::string after : {"\r\n", "\n", "\rx", "\r\r\n"}) {
      if (before == "\r\n" && after == "\r\n") continue;
      EXPECT_EQ(look("a" + before + "." + after + "MAIL"), (Looked{Found::doubt, "a" + before, "." + after + "MAIL"}))
          << testing::PrintToString(before + "." + after);
    }
  EXPECT_EQ(look(".\nMAIL").found, Found::doubt) << "at the beginning";
}

TEST(MessageEnd, IsInDoubtIfThereAreNulsAtItsSides) {
  using namespace std::string_literals;
  for (const auto& [before, rest] : {std::pair{"a\r\n\0"s, ".\r\nMAIL"s},
                                     {"a\r\n\0\0"s, ".\r\nMAIL"s},
                                     {"a\r\n"s, ".\0\r\nMAIL"s},
                                     {"a\r\n"s, ".\0\0\r\nMAIL"s},
                                     {"a\r\n\0"s, ".\0\r\nMAIL"s},
                                     {"a\r\0\n"s, ".\r\nMAIL"s},
                                     {"a\r\n"s, ".\r\0\nMAIL"s},
                                     {"a\0"s, ".\r\nMAIL"s},
                                     {"a\r\n"s, ".\0b\r\nMAIL"s}})
    EXPECT_EQ(look(before + rest), (Looked{Found::doubt, before, rest})) << testing::PrintToString(before + rest);
}

TEST(MessageEnd, IsNotInDoubtForNulsElsewhere) {
  using namespace std::string_literals;
  for (const auto& text : {"a\0b\r\n"s, "\0.a\r\n"s, "a.\0\r\n"s, "\0\r\n"s, "\0..\r\n"s})
    EXPECT_EQ(look(text), (Looked{Found::nothing, text, ""})) << testing::PrintToString(text);
  EXPECT_EQ(look("\0\r\n.\r\n\0"s), (Looked{Found::end, "\0\r\n.\r\n"s, "\0"s}));
}

TEST(MessageEnd, IsTheSameHoweverTheBytesCome) {
  constexpr std::string_view kTexts[] = {"Subject: x\r\n\r\n..\r\n.x\r\n.\r\nQUIT\r\n",
                                         ".\r\nx",
                                         "\r\n.\r\n",
                                         "a\n.\nb",
                                         "a\r\n.\nb",
                                         "a\n.\r\nb",
                                         "a\r\n.\rb",
                                         "a\r.\r\nb"};
  for (const auto text : kTexts) {
    const auto whole = look(text);
    for (std::size_t first = 0; first < text.size(); ++first)
      for (std::size_t second = first; second < text.size(); ++second)
        EXPECT_EQ(look(text, [&](std::size_t i) { return i == first || i == second; }), whole) << first << " " << second;
    EXPECT_EQ(look(text, [](std::size_t) { return true; }), whole);
  }
}

/// The same by the letter: a strict reader, and lax ones that take any line end for one, and drop NULs or take them for line
/// ends.
TEST(MessageEnd, IsWhatAStrictReaderTakesForItAndNothingMoreThanALaxOneDoes) {
  std::mt19937 random(7);
  constexpr char kBytes[] = {'\r', '\n', '.', 'x', '\0'};
  for (int round = 0; round < 60'000; ++round) {
    std::string text;
    for (int i = 0; i < 12; ++i) text += kBytes[random() % 5];
    const auto strict = ("\r\n" + text).find("\r\n.\r\n");
    const auto outcome = look(text, [&](std::size_t) { return random() % 2 == 0; });
    if (outcome.found == Found::end) {
      EXPECT_EQ(outcome.passed.size(), strict + 3) << testing::PrintToString(text);
    }
    // What goes on holds no line with a dot alone, however lines are told, but for the end.
    std::string lax = "\n" + outcome.passed;
    if (outcome.found == Found::end) lax.resize(lax.size() - 3);
    std::replace(lax.begin(), lax.end(), '\r', '\n');
    auto without = lax;
    std::erase(without, '\0');
    std::replace(lax.begin(), lax.end(), '\0', '\n');
    EXPECT_EQ(lax.find("\n.\n"), lax.npos) << testing::PrintToString(text);
    EXPECT_EQ(without.find("\n.\n"), without.npos) << testing::PrintToString(text);
    if (outcome.found == Found::nothing) {
      EXPECT_EQ(strict, std::string::npos) << testing::PrintToString(text);
    }
  }
}

}  // namespace
}  // namespace deferd::smtp
