#include "milter/packet.h"

#include <gmock/gmock.h>

namespace deferd {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;

Cut cut(std::string_view bytes) {
  Packet packet;
  return cut_packet(bytes, packet);
}

TEST(Packet, IsCutOffTheFront) {
  const auto bytes = "\0\0\0\6Hmail\0\0\0\0\1Q\0\0"s;
  std::string_view left(bytes);
  Packet packet;
  ASSERT_EQ(cut_packet(left, packet), Cut::packet);
  EXPECT_EQ(packet.command, MilterCommand::helo);
  EXPECT_EQ(packet.data, "mail\0"s);
  ASSERT_EQ(cut_packet(left, packet), Cut::packet);
  EXPECT_EQ(packet.command, MilterCommand::quit);
  EXPECT_EQ(packet.data, "");
  EXPECT_EQ(cut_packet(left, packet), Cut::incomplete);
  EXPECT_EQ(left, "\0\0"s);
}

TEST(Packet, IsWaitedForUntilItIsWhole) {
  const auto bytes = "\0\0\0\6Hmail\0"s;
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_EQ(cut(bytes.substr(0, size)), Cut::incomplete) << size;
  EXPECT_EQ(cut(bytes), Cut::packet);
}

TEST(Packet, OfAnImpossibleLengthIsNotWaitedFor) {
  EXPECT_EQ(cut("\0\0\0\0"s), Cut::broken);
  EXPECT_EQ(cut("\0\x10\0\0"s), Cut::incomplete);  // 1 MiB
  EXPECT_EQ(cut("\0\x10\0\1"s), Cut::broken);
  EXPECT_EQ(cut("\xff\xff\xff\xff"s), Cut::broken);
}

TEST(PacketTexts, EndWithANulEach) {
  EXPECT_THAT(PacketTexts::split("<a@b>\0SIZE=1\0\0"s)->all(), ElementsAre("<a@b>", "SIZE=1", ""));
  EXPECT_THAT(PacketTexts::split("")->all(), ElementsAre());
  EXPECT_FALSE(PacketTexts::split("<a@b>\0SIZE=1"s));
  EXPECT_EQ(PacketTexts::split("a\0"s)->at(1), "");
}

TEST(PacketTexts, AreAtMost32) {
  std::string many;
  for (int i = 0; i < 100; ++i) many += "x\0"s;
  EXPECT_EQ(PacketTexts::split(many)->all().size(), 32u);
}

TEST(ConnectData, HasAddressAndPort) {
  const auto data = "mail.example.org\0"s + "4\x61\xa9" + "192.0.2.7\0"s;
  const auto connect = read_connect(data);
  ASSERT_TRUE(connect);
  EXPECT_EQ(connect->host, "mail.example.org");
  EXPECT_EQ(connect->peer.address->to_string(), "192.0.2.7");
  EXPECT_EQ(connect->peer.port, 25001);
  EXPECT_EQ(read_connect("x\0"
                         "6\0\0IPv6:2001:db8::7\0"s)
                ->peer.address->to_string(),
            "2001:db8::7");
}

TEST(ConnectData, OfAUnixSocketOrUnknownHasNone) {
  EXPECT_FALSE(read_connect("localhost\0U"s)->peer.address);
  EXPECT_FALSE(read_connect("localhost\0L\0\0/run/socket\0"s)->peer.address);
}

TEST(ConnectData, CutShortIsNone) {
  const auto data = "mail.example.org\0"s + "4\x61\xa9" + "192.0.2.7\0"s;
  for (std::size_t size = 0; size < data.size(); ++size) EXPECT_FALSE(read_connect(data.substr(0, size))) << size;
}

TEST(Negotiation, SaysWhatIsWantedAndWhichMacros) {
  const auto offer = read_negotiate("\0\0\0\6\0\0\1\xff\0\x1f\xff\xff"s);
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->version, 6u);
  EXPECT_EQ(offer->actions, 0x1ffu);
  EXPECT_EQ(offer->steps, 0x1fffffu);
  EXPECT_FALSE(read_negotiate("\0\0\0\6\0\0\1\xff\0\x1f\xff"s));
  std::string out;
  const MacroWish wishes[] = {{3, "i {x}"}};
  add_negotiate(out, {6, 0x101, 0x1f00f0}, wishes);
  EXPECT_EQ(out, "\0\0\0\x17O\0\0\0\6\0\0\1\1\0\x1f\0\xf0\0\0\0\3i {x}\0"s);
}

TEST(Reply, GoesOnWithoutAWord) {
  std::string out;
  add_reply(out, {});
  EXPECT_EQ(out, "\0\0\0\1c"s);
}

TEST(Reply, HasCodeAndEnhancedCodeOnEveryLine) {
  MilterReply reply;
  reply.kind = MilterReply::Kind::tempfail;
  reply.code = 451;
  reply.enhanced = "4.7.1";
  reply.lines = {"one", "two"};
  std::string out = "before";
  add_reply(out, reply);
  EXPECT_EQ(out, "before\0\0\0\x1ey451-4.7.1 one\r\n451 4.7.1 two\0"s);
}

TEST(Header, HasNameAndValue) {
  std::string out;
  add_header(out, "X-A", "b");
  EXPECT_EQ(out, "\0\0\0\7hX-A\0b\0"s);
}

}  // namespace
}  // namespace deferd
