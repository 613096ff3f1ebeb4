// Files of greylisters: what is read, what is refused, what is printed.
#include "ctl/entry.h"

#include <gtest/gtest.h>

namespace deferd::ctl {
namespace {

constexpr std::int64_t kNow = 1'767'225'600;
constexpr std::int64_t kDay = 86'400;

struct Read {
  std::vector<Entry> entries;
  std::vector<Damage> damage;
};
Read read(Format format, std::string_view text, std::int64_t lasting = 36 * kDay) {
  Read all;
  all.damage = read_entries(format, text, kNow, lasting, [&](const Entry& entry) { all.entries.push_back(entry); });
  return all;
}

TEST(SpamdbFormat, ReadsAndPrintsEachKindAsSpamdbDoes) {
  for (const std::string line :
       {"WHITE|192.0.2.7|||1767225600|1767227200|1770336000|3|12",
        "GREY|192.0.2.7|mx.example.org|<Bob@Example.org>|<b@example.net>|1767225600|1767240000|1767240000|2|0",
        "GREY|192.0.2.7||<>|<b@example.net>|1767225600|1767240000|1767240000|1|0", "TRAPPED|192.0.2.7|1767312000",
        "SPAMTRAP|trap@example.net", "WHITE|2001:db8::7|||1|2|3|4|5", "WHITE|192.0.2.0/24|||1|2|3|4|5"}) {
    const auto entry = read_spamdb_line(line);
    ASSERT_TRUE(entry) << line << ": " << entry.error().what;
    EXPECT_EQ(spamdb_line(*entry), line);
  }
}

TEST(SpamdbFormat, KnowsWhatEachFieldIs) {
  const auto white = *read_spamdb_line("WHITE|192.0.2.7|||1|2|3|4|5");
  EXPECT_EQ(white, (Entry{Entry::Kind::white, "192.0.2.7", "", "", "", 1, 2, 3, 4, 5}));
  const auto grey = *read_spamdb_line("GREY|192.0.2.7|helo|<a@example.org>|<b@example.net>|1|2|3|4|5");
  EXPECT_EQ(grey, (Entry{Entry::Kind::grey, "192.0.2.7", "helo", "a@example.org", "b@example.net", 1, 2, 3, 4, 5}));
}

TEST(SpamdbFormat, UnderstandsBarsWithinStrangersWords) {
  const auto grey = read_spamdb_line("GREY|192.0.2.7|he|lo|<a|x@example.org>|<b@example.net>|1|2|3|4|5");
  ASSERT_TRUE(grey) << grey.error().what;
  EXPECT_EQ(grey->helo, "he|lo");
  EXPECT_EQ(grey->from, "a|x@example.org");
  EXPECT_EQ(grey->to, "b@example.net");
  EXPECT_FALSE(read_spamdb_line("GREY|192.0.2.7|he|lo|a@example.org|b@example.net|1|2|3|4|5"));
}

TEST(SpamdbFormat, PrintsNoControlCharacters) {
  Entry grey{Entry::Kind::grey, "192.0.2.7", "a\nb", "x\x1b", "\x7f", 1, 2, 3, 4, 5};
  EXPECT_EQ(spamdb_line(grey), "GREY|192.0.2.7|a?b|<x?>|<?>|1|2|3|4|5");
}

TEST(SpamdbFormat, RefusesWhatIsDamagedAndTellsTheLine) {
  const auto all = read(Format::spamdb,
                        "WHITE|192.0.2.7|||1|2|3|4|5\n"
                        "WHITE|192.0.2.7||||1|2|3|4|5\n"
                        "\r\n"
                        "WHITE|192.0.2.300|||1|2|3|4|5\n"
                        "WHITE|192.0.2.7|||1|-2|3|4|5\n"
                        "TRAPPED|192.0.2.7\n"
                        "TRAPPED|192.0.2.7|soon\n"
                        "SPAMTRAP|nobody\n"
                        "SPAMTRAP\n"
                        "GREY|192.0.2.7|x\n"
                        "GREY|192.0.2.7/24|h|<a>|<b>|1|2|3|4|5\n"
                        "BLACK|192.0.2.7\n"
                        "WHITE|192.0.2.8|||1|2|99999999999999|4|5");
  EXPECT_EQ(all.entries.size(), 1u);
  std::vector<std::size_t> lines;
  for (const auto& damage : all.damage) lines.push_back(damage.line);
  EXPECT_EQ(lines, (std::vector<std::size_t>{2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}));
  EXPECT_EQ(all.damage[0].what, "WHITE has 9 fields, not 10");
  EXPECT_EQ(all.damage[1].what, "'192.0.2.300' is no address");
}

TEST(SpamdbFormat, LetsStrangersSpoilNoMoreThanTheirOwnLines) {
  const auto all = read(Format::spamdb, "GREY|192.0.2.7|a|b|c|d|1|2|3|4|5\nWHITE|192.0.2.7\n");
  ASSERT_EQ(all.damage.size(), 2u);
  EXPECT_TRUE(all.damage[0].strangers);
  EXPECT_FALSE(all.damage[1].strangers);
}

TEST(SpamdbFormat, TakesTheTrapsThatTheDaemonTakes) {
  for (const std::string good : {"trap@example.net", "<Trap@example.net>", "@a.example:trap@example.net", "trap@example.net.",
                                 "\"a@b\"@example.net", "trap@[192.0.2.1]"})
    EXPECT_TRUE(read_spamdb_line("SPAMTRAP|" + good)) << good;
  for (const std::string bad : {"", "@", "nobody", "@example.net", "trap@", "trap@.", "trap@a..example", "trap@.example", "a b@c",
                                "a\x7f@example.net", "/x/@example.net", "*@example.net"})
    EXPECT_FALSE(read_spamdb_line("SPAMTRAP|" + bad)) << bad;
  EXPECT_FALSE(read_spamdb_line("SPAMTRAP|" + std::string(510, 'x') + "@example.net"));
}

TEST(ListFormat, MakesEachOfAListWhite) {
  const auto all = read(Format::list, "# friends\n192.0.2.7  # the office\n\n198.51.100.0/24\n2001:db8::/32\r\n");
  EXPECT_TRUE(all.damage.empty());
  ASSERT_EQ(all.entries.size(), 3u);
  EXPECT_EQ(all.entries[0], (Entry{Entry::Kind::white, "192.0.2.7", "", "", "", kNow, kNow, kNow + 36 * kDay, 1, 0}));
  EXPECT_EQ(all.entries[2].key, "2001:db8::/32");
  EXPECT_EQ(read(Format::list, "192.0.2.7", kNever).entries[0].expires, kNever);
}

TEST(ListFormat, RefusesNamesAndHostBits) {
  const auto all = read(Format::list, "mx.example.org\n192.0.2.7 192.0.2.8\n192.0.2.7/24\n");
  EXPECT_TRUE(all.entries.empty());
  EXPECT_EQ(all.damage.size(), 3u);
}

constexpr std::string_view kPostgrey =
    "VERSION=3\nformat=print\ntype=btree\ndb_pagesize=4096\nHEADER=END\n"
    " 192.0.2.7\n 12,1767139200\\00\n"
    " 198.51.100\n 1,1767139200\n"
    " 192.0.2.0/a@example.org/b/x@example.net\n 1767139200,1767139800,7\n"
    " 203.0.113.0//b@example.net\n 1767139200,1767139210\n"
    " 2001:db8::/a\\5cb@example.org/b@example.net\n 1767139200,1767139200\n"
    "DATA=END\n";

TEST(PostgreyFormat, ReadsBothDatabasesAsDbDumpPrintsThem) {
  const auto all = read(Format::postgrey, kPostgrey);
  for (const auto& damage : all.damage) ADD_FAILURE() << damage.line << ": " << damage.what;
  ASSERT_EQ(all.entries.size(), 5u);
  constexpr std::int64_t kFirst = 1'767'139'200;
  EXPECT_EQ(all.entries[0], (Entry{Entry::Kind::white, "192.0.2.7", "", "", "", kFirst, kFirst, kFirst + 35 * kDay, 1, 12}));
  EXPECT_EQ(all.entries[1].key, "198.51.100.0");
  EXPECT_EQ(all.entries[2], (Entry{Entry::Kind::grey, "192.0.2.0", "", "a@example.org", "b/x@example.net", kFirst, kFirst + 600,
                                   kFirst + 600 + 35 * kDay, 1, 0}));
  EXPECT_EQ(all.entries[3], (Entry{Entry::Kind::grey, "203.0.113.0", "", "", "b@example.net", kFirst, kFirst + 2 * kDay,
                                   kFirst + 2 * kDay, 1, 0}));
  EXPECT_EQ(all.entries[4].from, "a\\b@example.org");
}

TEST(PostgreyFormat, ReadsHexadecimalToo) {
  const auto all = read(Format::postgrey, "VERSION=3\nformat=bytevalue\nHEADER=END\n 3139322e302e322e37\n 312c31\nDATA=END\n");
  EXPECT_TRUE(all.damage.empty());
  ASSERT_EQ(all.entries.size(), 1u);
  EXPECT_EQ(all.entries[0].key, "192.0.2.7");
  EXPECT_EQ(all.entries[0].passed, 1);
}

TEST(PostgreyFormat, RefusesWhatIsDamaged) {
  const std::string head = "VERSION=3\nformat=print\nHEADER=END\n";
  for (const std::string bad :
       {" 192.0.2.7\n nonsense\n", " 192.0.2.7\n 5\n", " 0123456789abcdef0123456789abcdef01234567\n 1,2\n",
        " 192.0.2.0/a@example.org\n 1,2\n", " 192.0.2.7\\zz\n 1,2\n", "192.0.2.7\n"})
    EXPECT_FALSE(read(Format::postgrey, head + bad).damage.empty()) << bad;
  EXPECT_FALSE(read(Format::postgrey, "192.0.2.7 1,2\n").damage.empty());
}

TEST(MilterGreylistFormat, ReadsItsDump) {
  const auto all = read(Format::milter_greylist,
                        "#\n# milter-greylist database, dumped by milter-greylist-4.6.4\n#\n\n"
                        "#\n# greylisted tuples\n#\n# Sender IP\tSender e-mail\tRecipient e-mail\tTime accepted\n"
                        "192.0.2.7\t<a@example.org>\t<b@example.net>\t1767225900 # 2026-01-01 00:05:00\n"
                        "2001:db8::7\t              <>\t  <b@example.net>\t1767225900\n"
                        "#\n# Auto-whitelisted tuples\n#\n"
                        "198.51.100.7\t<a@example.org>\t<b@example.net>\t1770336000 AUTO # 2026-02-06 00:00:00\n");
  for (const auto& damage : all.damage) ADD_FAILURE() << damage.line << ": " << damage.what;
  ASSERT_EQ(all.entries.size(), 3u);
  EXPECT_EQ(all.entries[0], (Entry{Entry::Kind::grey, "192.0.2.7", "", "a@example.org", "b@example.net", kNow, kNow + 5 * kDay,
                                   kNow + 5 * kDay, 1, 0}));
  EXPECT_EQ(all.entries[1].from, "");
  EXPECT_EQ(all.entries[2], (Entry{Entry::Kind::white, "198.51.100.7", "", "", "", 0, 0, 1'770'336'000, 1, 0}));
}

TEST(MilterGreylistFormat, RefusesWhatIsDamaged) {
  for (const std::string_view bad : {"192.0.2.7\t<a@example.org>\t<b@example.net>\n", "192.0.2.7 <a> <b> soon\n",
                                     "nobody <a> <b> 1767225900\n", "192.0.2.7 <a> <b> 1767225900 LATER\n"})
    EXPECT_EQ(read(Format::milter_greylist, bad).damage.size(), 1u) << bad;
}

Value row_of(std::initializer_list<std::pair<std::string_view, Value>> members) {
  Value row = Value::map();
  for (const auto& [key, value] : members) row.set(key, value);
  return row;
}

TEST(Entry, IsWhatTheDaemonsRowSays) {
  Entry white{Entry::Kind::white, "192.0.2.7", "", "", "", kNow, kNow + 60, kNow + 36 * kDay, 3, 12};
  EXPECT_EQ(table_entry(Entry::Kind::white, row_of({{"prefix", "192.0.2.7"},
                                                    {"added", "2026-01-01T00:00:00Z"},
                                                    {"expires", "2026-02-06T00:00:00Z"},
                                                    {"note", entry_note(white)}})),
            white);
  white.pass = kNow, white.blocked = 1, white.passed = 0;
  EXPECT_EQ(entry_note(white), "");
  EXPECT_EQ(
      table_entry(
          Entry::Kind::white,
          row_of({{"prefix", "192.0.2.7"}, {"added", "2026-01-01T00:00:00Z"}, {"expires", "never"}, {"note", "the office"}})),
      (Entry{Entry::Kind::white, "192.0.2.7", "", "", "", kNow, kNow, kNever, 1, 0}));
  const auto grey = grey_entry(row_of({{"client", "192.0.2.7"},
                                       {"from", "a@example.org"},
                                       {"to", "b@example.net"},
                                       {"first", "2026-01-01T00:00:00Z"},
                                       {"passed", "2026-01-01T00:05:00Z"},
                                       {"expires", "2026-02-06T00:05:00Z"},
                                       {"tries", 2}}));
  EXPECT_EQ(spamdb_line(grey), "GREY|192.0.2.7||<a@example.org>|<b@example.net>|1767225600|1767225900|1770336300|2|0");
}

}  // namespace
}  // namespace deferd::ctl
