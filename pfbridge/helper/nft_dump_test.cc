// What the kernel tells, as bytes made by hand; nft_table_test.cc asks the kernel itself.
#include "pfbridge/helper/nft_dump.h"

#include <gtest/gtest.h>

#include <string>

#include "pfbridge/helper/entry_of.h"

namespace deferd::bridge {
namespace {

using namespace std::string_literals;

NftElement begins(const char* address) { return {entry(address).family, entry(address).bytes, true}; }
NftElement ends(const char* address) { return {entry(address).family, entry(address).bytes, false}; }

std::string entries_text(std::vector<NftElement> elements, bool intervals = true) {
  std::vector<Entry> entries;
  append_entries(elements, intervals, entries);
  std::string text;
  for (const Entry& one : entries) text += (text.empty() ? "" : " ") + one.to_string();
  return text;
}

TEST(NftDumpTest, KnowsHosts) {
  EXPECT_EQ(entries_text({begins("192.0.2.9"), begins("192.0.2.1")}, false), "192.0.2.9 192.0.2.1");
  EXPECT_EQ(entries_text({begins("2001:db8::1")}, false), "2001:db8::1");
}

TEST(NftDumpTest, KnowsPrefixesByWhereTheyBeginAndEnd) {
  EXPECT_EQ(entries_text({ends("198.51.101.0"), begins("198.51.100.0"), ends("192.0.2.2"), begins("192.0.2.1")}),
            "192.0.2.1 198.51.100.0/24");
  EXPECT_EQ(entries_text({begins("2001:db8::"), ends("2001:db9::")}), "2001:db8::/32");
}

TEST(NftDumpTest, LeavesOutWhatIsNoPrefix) {
  EXPECT_EQ(entries_text({begins("192.0.2.1"), ends("192.0.2.3"), begins("192.0.2.8"), ends("192.0.2.11")}), "");
}

TEST(NftDumpTest, TellsNeighboursApartWithOrWithoutAnEndBetweenThem) {
  EXPECT_EQ(entries_text({begins("192.0.2.0"), ends("192.0.2.128"), begins("192.0.2.128"), ends("192.0.3.0")}),
            "192.0.2.0/25 192.0.2.128/25");
  EXPECT_EQ(entries_text({begins("192.0.2.0"), begins("192.0.2.128"), ends("192.0.3.0")}), "192.0.2.0/25 192.0.2.128/25");
}

TEST(NftDumpTest, KnowsTheFirstAndTheLastAddress) {
  EXPECT_EQ(entries_text({ends("0.0.0.0"), begins("128.0.0.0")}), "128.0.0.0/1") << "an end that nothing began is the beginning";
  EXPECT_EQ(entries_text({begins("0.0.0.0"), ends("128.0.0.0")}), "0.0.0.0/1");
  EXPECT_EQ(entries_text({begins("8000::")}), "8000::/1");
  EXPECT_EQ(entries_text({begins("0.0.0.0")}), "0.0.0.0/0");
  EXPECT_EQ(entries_text({}), "");
}

/// An attribute: its length, its type, its content, in the machine's order.
std::string attribute(std::uint16_t type, const std::string& content) {
  const auto length = static_cast<std::uint16_t>(4 + content.size());
  std::string bytes(reinterpret_cast<const char*>(&length), 2);
  bytes.append(reinterpret_cast<const char*>(&type), 2).append(content);
  bytes.resize((bytes.size() + 3) / 4 * 4);
  return bytes;
}
std::string element(const std::string& key, char flags) {
  constexpr std::uint16_t kNested = 0x8000;
  return attribute(1 | kNested, attribute(1 | kNested, attribute(1, key)) + attribute(3, std::string("\0\0\0", 3) + flags));
}

TEST(NftDumpTest, ReadsAMessage) {
  const std::string message = attribute(1, std::string("deferd", 7)) + attribute(2, std::string("white4", 7)) +
                              attribute(3, element("\xc0\x00\x02\x01"s, 0) + element("\xc0\x00\x02\x02"s, 1) + element("", 2));
  std::vector<NftElement> found;
  read_nft_elements(message, found);
  EXPECT_EQ(found, (std::vector{begins("192.0.2.1"), ends("192.0.2.2")}));
}

TEST(NftDumpTest, ReadsNothingBeyondAMessageThatIsCut) {
  const std::string message = attribute(3, element(std::string(16, '\x20'), 0) + element(std::string(16, '\x21'), 0));
  for (std::size_t size = 0; size < message.size(); ++size) {
    const std::string cut = message.substr(0, size);  // so that a sanitizer sees what is read beyond it
    std::vector<NftElement> found;
    read_nft_elements(cut, found);
    EXPECT_TRUE(found.empty()) << "the list as a whole is longer";
  }
}

}  // namespace
}  // namespace deferd::bridge
