#include "pfbridge/helper/wire.h"
#include "pfbridge/helper/entry_of.h"

#include <gtest/gtest.h>

namespace deferd::bridge {
namespace {

const std::vector<Message>& one_of_each() {
  static const std::vector<Message> all{
      Hello{1, {}},
      Hello{1, {"white", "deferd-bypass"}},
      Add{0, {{entry("192.0.2.1"), 3600}, {entry("2001:db8::/32"), 0}}},
      Remove{31, {entry("198.51.100.0/24")}},
      Add{1, {}},
      Read{1},
      Whereto{{entry("192.0.2.1"), 40000}, {entry("127.0.0.1"), 8025}},
      Alive{},
      Done{"", 3},
      Done{"no such table", 0},
      Entries{{entry("192.0.2.1")}},
      Destination{},
      Destination{Endpoint{entry("2001:db8::25"), 25}},
      Passed{false, entry("192.0.2.9"), "em0"},
  };
  return all;
}

TEST(WireTest, ReadsWhatItWrote) {
  std::string bytes;
  std::uint32_t id = 7;
  for (const auto& message : one_of_each()) write_frame(bytes, id++, message);
  FrameReader reader;
  reader.add(bytes);
  id = 7;
  for (const auto& message : one_of_each()) {
    const auto frame = reader.next();
    ASSERT_TRUE(frame) << id;
    EXPECT_EQ(frame->id, id++);
    EXPECT_EQ(frame->message, message);
  }
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.broken());
}

TEST(WireTest, ReadsAStreamInWhateverPieces) {
  std::string bytes;
  for (const auto& message : one_of_each()) write_frame(bytes, 1, message);
  FrameReader reader;
  std::size_t read = 0;
  for (const char byte : bytes) {
    reader.add({&byte, 1});
    while (reader.next()) ++read;
  }
  EXPECT_EQ(read, one_of_each().size());
  EXPECT_FALSE(reader.broken());
}

TEST(WireTest, RefusesAFrameThatIsTooShortForWhatItSays) {
  for (const auto& message : one_of_each()) {
    std::string bytes;
    write_frame(bytes, 1, message);
    // One byte less and one more than it should carry, the length adjusted.
    for (const int change : {-1, +1}) {
      std::string other = bytes;
      if (change < 0 && other.size() <= 9) continue;  // nothing to take away
      change < 0 ? other.pop_back() : other.push_back('\0');
      other[3] = static_cast<char>(other[3] + change);
      FrameReader reader;
      reader.add(other);
      EXPECT_FALSE(reader.next()) << message.index() << ' ' << change;
      EXPECT_TRUE(reader.broken()) << message.index() << ' ' << change;
    }
  }
}

std::string frame(std::uint8_t type, const std::string& payload) {
  std::string bytes{'\0',
                    '\0',
                    static_cast<char>((payload.size() + 5) >> 8),
                    static_cast<char>(payload.size() + 5),
                    static_cast<char>(type),
                    '\0',
                    '\0',
                    '\0',
                    '\1'};
  return bytes + payload;
}

bool breaks(const std::string& bytes) {
  FrameReader reader;
  reader.add(bytes);
  EXPECT_FALSE(reader.next());
  return reader.broken();
}

TEST(WireTest, RefusesWhatIsNotOfTheProtocol) {
  using namespace std::string_literals;
  EXPECT_TRUE(breaks(frame(0, "")));
  EXPECT_TRUE(breaks(frame(99, "")));
  EXPECT_TRUE(breaks("\xff\xff\xff\xff"s));                           // a length beyond all bounds
  EXPECT_TRUE(breaks("\0\0\0\4\6\0\0\0"s));                           // shorter than its own head
  EXPECT_TRUE(breaks(frame(3, "\0\0\0\0\1\4\40\300\0\2"s)));          // an entry cut short
  EXPECT_TRUE(breaks(frame(3, "\0\0\0\0\1\5\40\300\0\2\1"s)));        // no such family
  EXPECT_TRUE(breaks(frame(3, "\0\0\0\0\1\4\30\300\0\2\1"s)));        // 192.0.2.1/24: host bits
  EXPECT_TRUE(breaks(frame(3, "\0\0\0\0\1\4\41\300\0\2\1"s)));        // 192.0.2.1/33
  EXPECT_TRUE(breaks(frame(2, "\0\0\0\0\1\4\40\300\0\2\1"s)));        // a row without its seconds
  EXPECT_TRUE(breaks(frame(2, "\0\377\377\377\377"s)));               // a count without entries: no memory for it
  EXPECT_TRUE(breaks(frame(18, "\1\4\30\300\0\2\0\0\31"s)));          // an endpoint that is a network
  EXPECT_TRUE(breaks(frame(16, "\1\0\0\0\0\0"s)));                    // failed without a reason
  EXPECT_TRUE(breaks(frame(1, "\0\1\41"s + std::string(33, '\0'))));  // more tables than there may be
}

TEST(WireTest, StaysBroken) {
  FrameReader reader;
  reader.add(frame(99, ""));
  EXPECT_FALSE(reader.next());
  std::string good;
  write_frame(good, 1, Alive{});
  reader.add(good);
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.broken());
}

TEST(WireTest, TheLargestMessageFits) {
  std::string bytes;
  write_frame(bytes, 1, Add{0, std::vector<Row>(kMaxEntries, Row{entry("2001:db8::1"), 1})});
  FrameReader reader;
  reader.add(bytes);
  EXPECT_TRUE(reader.next());
}

}  // namespace
}  // namespace deferd::bridge
