#include "list_reader.h"

#include <gmock/gmock.h>

namespace deferd::blacklist {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Result<Content> read_list(std::string_view text, std::size_t piece = 1000, std::uint64_t most = 1000) {
  ListReader reader(Format::plain, most);
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size())))
    if (auto fed = reader.feed(text.substr(0, piece)); !fed) return tl::unexpected(fed.error());
  return reader.finish();
}

std::string prefixes(const PrefixSet& set) {
  std::string all;
  for (const auto& prefix : set) all += (all.empty() ? "" : " ") + prefix.to_string();
  return all;
}

TEST(ListReader, ReadsAListHoweverItsBytesCome) {
  const std::string text = "# a list\r\n192.0.2.0/25\r\n192.0.2.128/25\n\n2001:db8::/32 # v6\n198.51.100.1 - 198.51.100.2";
  for (const std::size_t piece : {1u, 2u, 3u, 7u, 1000u}) {
    const auto content = read_list(text, piece);
    ASSERT_TRUE(content);
    EXPECT_EQ(prefixes(content->set), "192.0.2.0/24 198.51.100.1 198.51.100.2 2001:db8::/32") << piece;
    EXPECT_EQ(content->entries, 4u);
    EXPECT_EQ(content->bad, 0u);
    EXPECT_THAT(content->remarks, IsEmpty());
  }
}

TEST(ListReader, IsTheSameWhereverItsTextIsCut) {
  std::string text = "\xEF\xBB\xBF# a list\r\n192.0.2.0/25\r\n\r\n";
  text += std::string("192.0.2.9\0x\n\0\n", 14);
  text += "10.0.0.5/24\n2001:db8::/32 # v6\nexample.org\n";
  text += std::string(LineSplitter::kLongest - 12, ' ') + "198.51.100.7\n";
  text += std::string(LineSplitter::kLongest - 11, ' ') + "198.51.100.8\n";
  text += "203.0.113.1 - 203.0.113.2\r";  // and no line end
  const auto whole = read_list(text, text.size());
  ASSERT_TRUE(whole);
  EXPECT_TRUE(whole->set.contains(*Address::parse("198.51.100.7")));
  EXPECT_FALSE(whole->set.contains(*Address::parse("198.51.100.8"))) << "its line is a byte too long";
  EXPECT_TRUE(whole->set.contains(*Address::parse("203.0.113.2")));
  for (std::size_t first = 0; first <= text.size(); ++first) {
    ListReader reader(Format::plain, 1000);
    ASSERT_TRUE(reader.feed(std::string_view(text).substr(0, first)));
    ASSERT_TRUE(reader.feed(std::string_view(text).substr(first)));
    const auto content = reader.finish();
    ASSERT_TRUE(content);
    ASSERT_EQ(content->set, whole->set) << first;
    ASSERT_EQ(content->entries, whole->entries) << first;
    ASSERT_EQ(content->bad, whole->bad) << first;
    ASSERT_EQ(content->remarks, whole->remarks) << first;
  }
}

TEST(ListReader, LeavesBadLinesOutAndSaysWhere) {
  const auto content = read_list("192.0.2.1\nexample.org\n\n10.0.0.5/24\n192.0.2.9 - 192.0.2.1\n");
  ASSERT_TRUE(content);
  EXPECT_EQ(prefixes(content->set), "10.0.0.0/24 192.0.2.1");
  EXPECT_EQ(content->entries, 2u);
  EXPECT_EQ(content->bad, 2u);
  EXPECT_EQ(content->warned, 1u);
  EXPECT_THAT(content->remarks, ElementsAre("line 2: 'example.org' is no address and no prefix",
                                            "line 4: '10.0.0.5/24' host bits are set: taken as 10.0.0.0/24",
                                            "line 5: '192.0.2.9 - 192.0.2.1' is a range that ends before it begins"));
}

TEST(ListReader, BoundsItsRemarks) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "bad\n";
  const auto content = read_list(text);
  ASSERT_TRUE(content);
  EXPECT_EQ(content->bad, 1000u);
  EXPECT_THAT(content->remarks, SizeIs(ListReader::kMostRemarks));
}

TEST(ListReader, BoundsItsLines) {
  const std::string flood(100'000, 'x');
  const auto content = read_list("192.0.2.1\n" + flood + "\n192.0.2.2\n# " + flood + "\n" + flood, 1000);
  ASSERT_TRUE(content);
  EXPECT_EQ(prefixes(content->set), "192.0.2.1 192.0.2.2");
  EXPECT_EQ(content->bad, 2u);
  for (const auto& remark : content->remarks) EXPECT_LT(remark.size(), 200u);
}

TEST(ListReader, BoundsItsEntries) {
  EXPECT_TRUE(read_list("192.0.2.1\n192.0.2.2\n", 1000, 2));
  const auto content = read_list("192.0.2.1\n192.0.2.2\n192.0.2.3\n", 1000, 2);
  ASSERT_FALSE(content);
  EXPECT_EQ(content.error().what, "has more than 2 entries");
}

TEST(ListReader, CountsThePrefixesThatARangeMakes) {
  for (const auto* text :
       {"192.0.2.7", "192.0.2.0/24", "192.0.2.7 - 192.0.2.8", "192.0.2.0 - 192.0.2.254", "192.0.2.1 - 192.0.2.255",
        "10.0.0.0 - 10.1.255.255", "0.0.0.1 - 255.255.255.254", "0.0.0.0 - 255.255.255.255", "1.2.3.4 - 5.6.7.8", "2001:db8::/32",
        "2001:db8::1 - 2001:db8::ffff:fffe", "2001:db8:0:7::1 - 2001:db8:0:7:ffff:ffff:ffff:fffe",
        "2001:db8::1 - ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", "2001:db8::8000:0:0:0 - 2001:db8:0:1:7fff:ffff:ffff:ffff"}) {
    const auto content = read_list(text);
    ASSERT_TRUE(content) << text;
    const auto prefixes_made = content->set.size();
    EXPECT_TRUE(read_list(text, 1000, prefixes_made)) << text;
    if (prefixes_made > 1) {
      EXPECT_FALSE(read_list(text, 1000, prefixes_made - 1)) << text;
    }
  }
}

TEST(ListReader, BoundsThePrefixesThatItsRangesMake) {
  std::string text;
  for (int i = 0; i < 9; ++i) {
    const auto network = "2001:db8:0:" + std::to_string(i) + ":";
    text += network + ":1-" + network + "ffff:ffff:ffff:fffe\n";
  }
  const auto content = read_list(text);  // 126 of each
  ASSERT_FALSE(content);
  EXPECT_EQ(content.error().what, "has ranges that make more than 1000 prefixes");
}

TEST(ListReader, PassesOverAByteOrderMark) {
  EXPECT_EQ(prefixes(read_list("\xEF\xBB\xBF"
                               "192.0.2.1\n")
                         ->set),
            "192.0.2.1");
}

TEST(ListReader, TakesAnEmptyTextAsAnEmptyList) {
  EXPECT_EQ(read_list("")->entries, 0u);
  EXPECT_EQ(read_list("\n# nothing\n")->entries, 0u);
}

std::string place_of(std::string_view text, std::string_view address) {
  PlaceFinder finder(Format::plain, *Address::parse(address));
  for (; !text.empty(); text.remove_prefix(std::min<std::size_t>(5, text.size())))
    if (!finder.feed(text.substr(0, 5))) break;
  const auto place = finder.finish();
  return place ? std::to_string(place->line) + " " + place->entry : "nowhere";
}

TEST(PlaceFinder, FindsTheFirstLineThatListsAnAddress) {
  const std::string text = "# list\n192.0.2.0/24 # first\r\nbad\n192.0.2.7\n198.51.100.1 - 198.51.100.9";
  EXPECT_EQ(place_of(text, "192.0.2.7"), "2 192.0.2.0/24 # first");
  EXPECT_EQ(place_of(text, "198.51.100.9"), "5 198.51.100.1 - 198.51.100.9");
  EXPECT_EQ(place_of(text, "203.0.113.1"), "nowhere");
}

}  // namespace
}  // namespace deferd::blacklist
