#include "line.h"

#include <gtest/gtest.h>

namespace deferd::blacklist {
namespace {

/// `first-last`, `first` if that is all, empty for a line that says nothing, `error` for one that is wrong.
std::string read_line(std::string_view text, Format format = Format::plain) {
  const auto line = parse_line(text, format);
  if (!line) return "error";
  if (!line->range) return "";
  const auto first = line->range->first().to_string(), last = line->range->last().to_string();
  return first == last ? first : first + "-" + last;
}

TEST(ListLine, TakesAddressesOfBothFamilies) {
  EXPECT_EQ(read_line("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(read_line("2001:db8::1"), "2001:db8::1");
  EXPECT_EQ(read_line("::ffff:192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(read_line("0.0.0.0"), "0.0.0.0");
  EXPECT_EQ(read_line("255.255.255.255"), "255.255.255.255");
}

TEST(ListLine, TakesPrefixesOfBothFamilies) {
  EXPECT_EQ(read_line("192.0.2.0/24"), "192.0.2.0-192.0.2.255");
  EXPECT_EQ(read_line("192.0.2.7/32"), "192.0.2.7");
  EXPECT_EQ(read_line("10/8"), "10.0.0.0-10.255.255.255");
  EXPECT_EQ(read_line("172.16/12"), "172.16.0.0-172.31.255.255");
  EXPECT_EQ(read_line("2001:db8::/32"), "2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");
  EXPECT_EQ(read_line("2001:db8::1/128"), "2001:db8::1");
  EXPECT_EQ(read_line("::ffff:192.0.2.0/120"), "192.0.2.0-192.0.2.255");
  EXPECT_EQ(read_line("128.0.0.0/1"), "128.0.0.0-255.255.255.255");
}

TEST(ListLine, TakesRangesWithBothEnds) {
  EXPECT_EQ(read_line("192.0.2.1 - 192.0.2.9"), "192.0.2.1-192.0.2.9");
  EXPECT_EQ(read_line("192.0.2.1-192.0.2.9"), "192.0.2.1-192.0.2.9");
  EXPECT_EQ(read_line("192.0.2.1 192.0.2.9"), "192.0.2.1-192.0.2.9");  // spamd-setup(8) does
  EXPECT_EQ(read_line("192.0.2.1\t-\t192.0.2.9 # some"), "192.0.2.1-192.0.2.9");
  EXPECT_EQ(read_line("2001:db8::1 - 2001:db8::9"), "2001:db8::1-2001:db8::9");
  EXPECT_EQ(read_line("0.0.0.0 - 255.255.255.255"), "0.0.0.0-255.255.255.255");
}

TEST(ListLine, IgnoresWhatStandsBehind) {
  EXPECT_EQ(read_line("192.0.2.7 some words"), "192.0.2.7");
  EXPECT_EQ(read_line("192.0.2.7#comment"), "192.0.2.7");
  EXPECT_EQ(read_line("192.0.2.0/24 ; SBL1234"), "192.0.2.0-192.0.2.255");
  EXPECT_EQ(read_line("192.0.2.7,2026-01-01,spam"), "192.0.2.7");
  EXPECT_EQ(read_line("192.0.2.7 20260101"), "192.0.2.7");
  EXPECT_EQ(read_line("192.0.2.7 - spam source"), "192.0.2.7");
  EXPECT_EQ(read_line("192.0.2.7 - 20260101"), "192.0.2.7");
  EXPECT_EQ(read_line("192.0.2.7 -"), "192.0.2.7");
}

TEST(ListLine, TakesBlanksAndLineEndsAsTheyCome) {
  EXPECT_EQ(read_line("  192.0.2.7\r"), "192.0.2.7");
  EXPECT_EQ(read_line("\t192.0.2.0/24 \r"), "192.0.2.0-192.0.2.255");
  EXPECT_EQ(read_line(""), "");
  EXPECT_EQ(read_line(" \t\r"), "");
  EXPECT_EQ(read_line("# 192.0.2.7"), "");
  EXPECT_EQ(read_line("; 192.0.2.7"), "");
}

TEST(ListLine, MasksHostBitsAndSaysSo) {
  const auto line = parse_line("10.0.0.5/24");
  ASSERT_TRUE(line && line->range);
  EXPECT_EQ(read_line("10.0.0.5/24"), "10.0.0.0-10.0.0.255");
  EXPECT_EQ(line->warning, "host bits are set: taken as 10.0.0.0/24");
  EXPECT_EQ(parse_line("10.0.0.0/24")->warning, "");
  EXPECT_EQ(parse_line("10.1/8")->warning, "host bits are set: taken as 10.0.0.0/8");
}

TEST(ListLine, RefusesWhatListsEverybodyOrNobody) {
  for (const auto* text :
       {"0.0.0.0/0", "10.0.0.0/0", "::/0", "::ffff:0.0.0.0/96", "192.0.2.0/33", "2001:db8::/129", "192.0.2.9 - 192.0.2.1",
        "192.0.2.1 - 2001:db8::1", "192.0.2.1 - 192.0.2.300", "192.0.2.1 - 192.0.2.9/24", "192.0.2.1 - 192.0.2",
        "2001:db8::1 - 2001:db8::g", "192.0.2.0/", "192.0.2.0/x", "192.0.2.0/-1", "192.0.2.0/24x"})
    EXPECT_EQ(read_line(text), "error") << text;
}

TEST(ListLine, RefusesWhatIsNoAddress) {
  for (const auto* text : {"example.org", "192.0.2", "10.1", "192.0.2.256", "192.0.2.1.2", "192.0.2.", "010.0.0.1", "<html>",
                           "2001:db8::1::", "/24", "-", "192..2.1/24", "1.2.3.4.5/8"})
    EXPECT_EQ(read_line(text), "error") << text;
  EXPECT_EQ(read_line(std::string(5000, '1')), "error");
}

TEST(ListLine, TakesPostgreysListOfClientsAsFarAsItIsAddresses) {
  EXPECT_EQ(read_line("192.0.2", Format::postgrey), "192.0.2.0-192.0.2.255");
  EXPECT_EQ(read_line("10", Format::postgrey), "10.0.0.0-10.255.255.255");
  EXPECT_EQ(read_line("192.0.2.7", Format::postgrey), "192.0.2.7");
  EXPECT_EQ(read_line("192.0.2.0/25", Format::postgrey), "192.0.2.0-192.0.2.127");
  EXPECT_EQ(read_line("2001:db8::1", Format::postgrey), "2001:db8::1");
  EXPECT_EQ(read_line("mail.example.org", Format::postgrey), "");
  EXPECT_EQ(read_line("/^mail\\d+\\.example\\.org$/", Format::postgrey), "");
  EXPECT_EQ(read_line("192.0.2.300", Format::postgrey), "error");
  EXPECT_EQ(read_line("192.0.2.7 # some", Format::postgrey), "192.0.2.7");
  EXPECT_EQ(read_line("192.0.2#some", Format::postgrey), "192.0.2.0-192.0.2.255");
}

TEST(ListLine, TakesNoNameInPostgreysListForAnAddress) {
  for (const auto* text : {"10-2-3-4.dsl.example.net", "10.2.3.4-dsl.example.net", "10,example.net", "10;x",
                           "192.0.2.7.example.net", "10/", "10/x", "10-", "192.0.2-9"})
    EXPECT_TRUE(read_line(text, Format::postgrey) == "" || read_line(text, Format::postgrey) == "error") << text;
  EXPECT_EQ(read_line("10-2-3-4.dsl.example.net", Format::postgrey), "");
  EXPECT_EQ(read_line(std::string(80, 'a'), Format::postgrey), "");  // no bad line
}

}  // namespace
}  // namespace deferd::blacklist
