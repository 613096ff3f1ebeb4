#include "pfbridge/helper/packet.h"

#include <gtest/gtest.h>

#include <vector>

#include "pfbridge/helper/packet_records.h"

namespace deferd::bridge {
namespace {

TEST(PacketTest, ReadsWhoWritesToUsInTheHeadersOfAllSystems) {
  for (const Pflog kind : {kOldest, kFreeBsd, kOpenBsd}) {
    const auto found = read_pflog(pflog(ipv4(tcp(40000, 25)), kind));
    ASSERT_TRUE(found) << int{kind.length};
    EXPECT_EQ(found->direction, Direction::in);
    EXPECT_EQ(found->peer().to_string(), "192.0.2.7");
    EXPECT_EQ(found->target.to_string(), "198.51.100.25");
    EXPECT_EQ(found->source_port, 40000);
    EXPECT_EQ(found->interface, "em0");
    const auto six = read_pflog(pflog(ipv6(tcp(40000, 25)), kind));
    ASSERT_TRUE(six) << int{kind.length};
    EXPECT_EQ(six->peer().to_string(), "2001:db8::7");
  }
}

TEST(PacketTest, ReadsToWhomOurUsersWrite) {
  const auto found = read_pflog(pflog(ipv4(tcp(40000, 25)), kFreeBsd, 2));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->direction, Direction::out);
  EXPECT_EQ(found->peer().to_string(), "198.51.100.25");
}

TEST(PacketTest, ReadsNflogOfBothDirections) {
  const auto in = read_nflog(nflog(ipv4(tcp(40000, 25))));
  ASSERT_TRUE(in);
  EXPECT_EQ(in->direction, Direction::in);
  EXPECT_EQ(in->interface, "3");
  const auto out = read_nflog(nflog(ipv6(tcp(40000, 25)), false, true));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->direction, Direction::out);
  EXPECT_EQ(out->interface, "4");
  EXPECT_EQ(out->peer().to_string(), "2001:db8::25");
  const auto forwarded = read_nflog(nflog(ipv4(tcp(40000, 25)), true, true));
  ASSERT_TRUE(forwarded);
  EXPECT_EQ(forwarded->direction, Direction::in);
  EXPECT_FALSE(read_nflog(nflog(ipv4(tcp(40000, 25)), false, false)));
}

TEST(PacketTest, TakesTheDirectionThatANflogGroupIsFor) {
  const auto forwarded = read_nflog(nflog(ipv4(tcp(40000, 25)), true, true), Direction::out);
  ASSERT_TRUE(forwarded);
  EXPECT_EQ(forwarded->direction, Direction::out);
  EXPECT_EQ(forwarded->peer().to_string(), "198.51.100.25");
  EXPECT_EQ(forwarded->interface, "4");
  const auto from_inside = read_nflog(nflog(ipv4(tcp(40000, 25))), Direction::out);
  ASSERT_TRUE(from_inside);
  EXPECT_EQ(from_inside->interface, "3");
  const auto in = read_nflog(nflog(ipv4(tcp(40000, 25)), false, true), Direction::in);
  ASSERT_TRUE(in);
  EXPECT_EQ(in->peer().to_string(), "192.0.2.7");
  EXPECT_EQ(in->interface, "4");
}

TEST(PacketTest, TakesOnlyTheFirstPacketOfAConnection) {
  EXPECT_FALSE(read_pflog(pflog(ipv4(tcp(40000, 25, 0x12)))));
  EXPECT_FALSE(read_pflog(pflog(ipv4(tcp(40000, 25, 0x10)))));
  EXPECT_FALSE(read_pflog(pflog(ipv4(tcp(40000, 25, 0x04)))));
  EXPECT_TRUE(read_pflog(pflog(ipv4(tcp(40000, 25, 0xc2)))));  // with the ECN flags of RFC 3168
}

TEST(PacketTest, TakesOnlyTheSmtpPort) {
  EXPECT_FALSE(read_pflog(pflog(ipv4(tcp(25, 40000)))));
  EXPECT_FALSE(read_pflog(pflog(ipv4(tcp(40000, 587)))));
  EXPECT_TRUE(read_pflog(pflog(ipv4(tcp(40000, 587))), 587));
}

TEST(PacketTest, TakesOnlyWhatWasPassed) {
  for (const int action : {1, 2, 4, 6, 8, 10, 11, 12})
    EXPECT_FALSE(read_pflog(pflog(ipv4(tcp(40000, 25)), kOpenBsd, 1, static_cast<std::uint8_t>(action)))) << action;
  EXPECT_FALSE(read_pflog(pflog(ipv4(tcp(40000, 25)), kOpenBsd, 0)));
  EXPECT_FALSE(read_pflog(pflog(ipv4(tcp(40000, 25)), kOpenBsd, 3)));
}

TEST(PacketTest, FindsTcpBehindOptionsAndExtensionHeaders) {
  EXPECT_TRUE(read_pflog(pflog(ipv4(tcp(40000, 25), 12))));
  const Record hop_by_hop{43, 0, 0, 0, 0, 0, 0, 0}, routing{6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  EXPECT_TRUE(read_pflog(pflog(ipv6(hop_by_hop + routing + tcp(40000, 25), 0))));
  const Record first_fragment{6, 0, 0, 1, 0, 0, 0, 9}, later_fragment{6, 0, 0, 8, 0, 0, 0, 9};
  EXPECT_TRUE(read_pflog(pflog(ipv6(first_fragment + tcp(40000, 25), 44))));
  EXPECT_FALSE(read_pflog(pflog(ipv6(later_fragment + tcp(40000, 25), 44))));
  EXPECT_FALSE(read_pflog(pflog(ipv4(tcp(40000, 25), 0, 3))));
  EXPECT_FALSE(read_pflog(pflog(ipv6(tcp(40000, 25), 50))));  // encrypted
}

TEST(PacketTest, EndsWithEndlessExtensionHeaders) {
  Record headers;
  for (int i = 0; i < 100; ++i) headers = headers + Record{0, 0, 0, 0, 0, 0, 0, 0};
  EXPECT_FALSE(read_pflog(pflog(ipv6(headers, 0))));
}

TEST(PacketTest, RefusesEveryRecordThatIsCutShort) {
  const std::vector<Record> whole{pflog(ipv4(tcp(40000, 25)), kOldest), pflog(ipv4(tcp(40000, 25), 8), kFreeBsd),
                                  pflog(ipv6(tcp(40000, 25)), kOpenBsd)};
  for (const Record& record : whole)
    for (std::size_t size = 0; size < record.size(); ++size) {
      const Record cut(record.begin(),
                       record.begin() + static_cast<std::ptrdiff_t>(size));  // its own memory: ASan sees past its end
      EXPECT_FALSE(read_pflog(cut)) << size;
    }
  for (const Record& record : {nflog(ipv4(tcp(40000, 25))), nflog(ipv6(tcp(40000, 25)))})
    for (std::size_t size = 0; size < record.size(); ++size) {
      const Record cut(record.begin(), record.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_FALSE(read_nflog(cut)) << size;
    }
}

TEST(PacketTest, RefusesHeadersThatLie) {
  auto record = pflog(ipv4(tcp(40000, 25)));
  for (const int length : {0, 44, 60, 255}) {
    record[0] = static_cast<std::uint8_t>(length);
    EXPECT_FALSE(read_pflog(record)) << length;
  }
  auto short_header = ipv4(tcp(40000, 25));
  short_header[0] = 0x44;  // 16 bytes
  EXPECT_FALSE(read_pflog(pflog(short_header)));
  short_header[0] = 0x4f;  // 60 bytes, more than there are
  EXPECT_FALSE(read_pflog(pflog(short_header)));
  auto attributes = nflog(ipv4(tcp(40000, 25)));
  attributes[4] = 0;  // an attribute of no length would be read for ever
  EXPECT_FALSE(read_nflog(attributes));
  auto version = nflog(ipv4(tcp(40000, 25)));
  version[1] = 1;
  EXPECT_FALSE(read_nflog(version));
}

}  // namespace
}  // namespace deferd::bridge
