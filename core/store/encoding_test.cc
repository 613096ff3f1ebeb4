#include "store/encoding.h"

#include <gmock/gmock.h>

namespace deferd::store {
namespace {

using namespace std::chrono_literals;

Prefix prefix(std::string_view text) { return or_throw(Prefix::parse(text)); }

TEST(EncodingTest, ReadsBackRows) {
  StoredRow stored;
  stored.revoked = Time(7s);
  for (bool with_row : {false, true}) {
    if (with_row) {
      stored.written = Time(8s);
      stored.row = TableRow{prefix("192.0.2.7"), Time(9s), Time::max(), "greylist", "evidence", "note"};
    }
    const auto read = or_throw(parse_row(prefix("192.0.2.7"), print_row(stored)));
    EXPECT_EQ(read.revoked, stored.revoked);
    EXPECT_EQ(read.row.has_value(), with_row);
    EXPECT_EQ(print_row(read), print_row(stored));
  }
}

TEST(EncodingTest, ReadsBackKeysOfAnyPrefix) {
  for (auto text : {"0.0.0.0/0", "192.0.2.7", "10.0.0.0/8", "::/0", "2001:db8::/33", "2001:db8::1"}) {
    const auto key = row_key(kWhite, prefix(text));
    const auto read = or_throw(parse_row_key(key));
    EXPECT_EQ(read.table, kWhite);
    EXPECT_EQ(read.prefix, prefix(text));
    const auto index = index_key(Time(5s), Ends::row, key);
    const auto entry = or_throw(parse_index_key(index));
    EXPECT_EQ(entry.when, Time(5s));
    EXPECT_EQ(entry.row_key, key);
  }
}

TEST(EncodingTest, RefusesAPrefixThatIsWrittenInAnotherWay) {
  const auto with = [](std::string_view bytes) { return row_prefix(kWhite) + std::string(bytes); };
  using namespace std::string_view_literals;
  EXPECT_TRUE(parse_row_key(with("\x04\x18\xc0\x00\x02\x00"sv)));
  EXPECT_FALSE(parse_row_key(with("\x04\x18\xc0\x00\x02\x07"sv))) << "host bits";
  EXPECT_FALSE(parse_row_key(with("\x04\x21\xc0\x00\x02\x07"sv))) << "length";
  EXPECT_FALSE(parse_row_key(with("\x05\x18\xc0\x00\x02\x00"sv))) << "family";
  EXPECT_FALSE(parse_row_key(with("\x06\x80\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x07"sv))) << "mapped";
  EXPECT_FALSE(parse_row_key(with("\x04\x18\xc0\x00\x02"sv))) << "short";
  EXPECT_FALSE(parse_row_key(with("\x04\x18\xc0\x00\x02\x00\x00"sv))) << "long";
}

TEST(EncodingTest, SortsTheIndexByTime) {
  const auto key = row_key(kWhite, prefix("192.0.2.7"));
  EXPECT_LT(index_key(Time(255s), Ends::row, key), index_key(Time(256s), Ends::row, key));
  EXPECT_LT(index_key(Time(1s), Ends::revocation, key), index_key(Time(2s), Ends::row, key));
}

TEST(EncodingTest, RefusesEveryTruncation) {
  const StoredRow stored{TableRow{prefix("192.0.2.7"), Time(9s), Time(10s), "greylist", "evidence", "note"}, Time(8s), Time(7s)};
  const std::string row = print_row(stored);
  for (std::size_t size = 0; size < row.size(); ++size) EXPECT_FALSE(parse_row(prefix("192.0.2.7"), row.substr(0, size))) << size;
  TableEvent event;
  event.table = "white";
  event.source = "greylist";
  const std::string entry = print_event(Time(1s), event);
  for (std::size_t size = 0; size < entry.size(); ++size) EXPECT_FALSE(parse_event(entry.substr(0, size))) << size;
  EXPECT_FALSE(parse_event(entry + "x"));
}

TEST(EncodingTest, ReadsBackDecisionsAndFindsTheirHashesStable) {
  const DecisionRecord records[] = {{"7641df9771b4ed00.1", Time(1s), "{\"a\":1}"}, {"7641df9771b4ed00.2", Time(2s), ""}};
  const auto read = or_throw(parse_chunk(print_chunk(records)));
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].packed, "{\"a\":1}");
  EXPECT_EQ(read[1].id, "7641df9771b4ed00.2");
  EXPECT_FALSE(parse_chunk("nonsense"));
  EXPECT_EQ(id_hash(""), 0x811c9dc5U);
  EXPECT_EQ(id_hash("foobar"), 0xbf9cf968U);  // as published with FNV-1a
}

TEST(EncodingTest, KeepsCursorsReadable) {
  EXPECT_EQ(to_hex(std::string("\0\xff", 2)), "00ff");
  EXPECT_EQ(from_hex("00ff"), std::string("\0\xff", 2));
  EXPECT_EQ(from_hex("0"), std::nullopt);
  EXPECT_EQ(from_hex("0g"), std::nullopt);
  EXPECT_EQ(after_prefix("a\xff"), "b");
}

}  // namespace
}  // namespace deferd::store
