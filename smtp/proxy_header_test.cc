#include "smtp/proxy_header.h"

#include <gtest/gtest.h>

namespace deferd::smtp {
namespace {

using namespace std::literals;

/// `client:port local:port size`, `local size`, `more`, or `error`.
std::string shown(std::string_view bytes) {
  const auto result = parse_proxy_header(bytes);
  if (!result) return "error";
  if (!*result) return "more";
  const ProxyHeader& header = **result;
  const std::string size = std::string(" ").append(std::to_string(header.size));
  if (header.local) return "local" + size;
  return header.client.to_string() + ":" + std::to_string(header.client_port) + " " + header.local_address.to_string() + ":" +
         std::to_string(header.local_port) + size;
}

std::string v2(char version_and_command, char family, std::string_view block) {
  std::string out("\r\n\r\n\0\r\nQUIT\n", 12);
  out += version_and_command;
  out += family;
  out += static_cast<char>(block.size() >> 8);
  out += static_cast<char>(block.size());
  return out += block;
}

/// That every beginning wants more, and that what follows the header is left alone.
void expect_whole_only(const std::string& header, const std::string& expected) {
  for (std::size_t size = 0; size < header.size(); ++size) EXPECT_EQ(shown(header.substr(0, size)), "more") << size;
  EXPECT_EQ(shown(header), expected);
  EXPECT_EQ(shown(header + "EHLO a\r\n"), expected);
}

Address address(std::string_view text) { return or_throw(Address::parse(text)); }

const std::string kTcp4 = "\xc0\x00\x02\x07\xc6\x33\x64\x01\x9c\x40\x00\x19"s;  // 192.0.2.7:40000 -> 198.51.100.1:25

TEST(ProxyHeaderV1, GivesBothEnds) {
  expect_whole_only("PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\n", "192.0.2.7:40000 198.51.100.1:25 44");
  expect_whole_only("PROXY TCP6 2001:db8::7 2001:DB8::1 65535 0\r\n", "2001:db8::7:65535 2001:db8::1:0 44");
  EXPECT_EQ(shown("PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 1 25\r\n"), "192.0.2.7:1 2001:db8::1:25 46");
}

TEST(ProxyHeaderV1, KnowsNobodyIfTheBalancerDoesNot) {
  expect_whole_only("PROXY UNKNOWN\r\n", "local 15");
  expect_whole_only("PROXY UNKNOWN ffff::1 what ever\r\n", "local 33");
  EXPECT_EQ(shown("PROXY UNKNOWNS\r\n"), "error");
}

TEST(ProxyHeaderV1, RefusesWhatIsMisspelt) {
  for (const char* line : {"PROXY",
                           "PROXY TCP4",
                           "PROXY TCP4 192.0.2.7 198.51.100.1 40000",
                           "PROXY TCP4 192.0.2.7 198.51.100.1 40000 25 1",
                           "PROXY TCP4 192.0.2.7 198.51.100.1 40000 25 ",
                           "PROXY  TCP4 192.0.2.7 198.51.100.1 40000 25",
                           "PROXY TCP4  192.0.2.7 198.51.100.1 40000 25",
                           "PROXY tcp4 192.0.2.7 198.51.100.1 40000 25",
                           "PROXY UDP4 192.0.2.7 198.51.100.1 40000 25",
                           "PROXY TCP5 192.0.2.7 198.51.100.1 40000 25",
                           "PROXY TCP4 2001:db8::7 2001:db8::1 40000 25",
                           "PROXY TCP6 192.0.2.7 198.51.100.1 40000 25",
                           "PROXY TCP6 192.0.2.7 2001:db8::1 40000 25",
                           "PROXY TCP4 192.0.2.007 198.51.100.1 40000 25",
                           "PROXY TCP4 [192.0.2.7] 198.51.100.1 40000 25",
                           "PROXY TCP6 IPv6:2001:db8::7 2001:db8::1 40000 25",
                           "PROXY TCP4 192.0.2.7 198.51.100.1 040000 25",
                           "PROXY TCP4 192.0.2.7 198.51.100.1 40000 025",
                           "PROXY TCP4 192.0.2.7 198.51.100.1 65536 25",
                           "PROXY TCP4 192.0.2.7 198.51.100.1 -1 25",
                           "PROXY TCP4 192.0.2.7 198.51.100.1 +1 25",
                           "PROXY TCP4 192.0.2.7 198.51.100.1 1x 25",
                           "PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r",
                           "PROXY TCP4 \r 198.51.100.1 40000 25"})
    EXPECT_EQ(shown(line + "\r\n"s), "error") << line;
}

TEST(ProxyHeaderV1, EndsWithCrLfOnly) {
  EXPECT_EQ(shown("PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\n"), "error");
  EXPECT_EQ(shown("PROXY UNKNOWN\n"), "error");
  EXPECT_EQ(shown("PROXY \n"), "error");
}

TEST(ProxyHeaderV1, HasAtMost107Bytes) {
  const std::string start = "PROXY UNKNOWN ";
  const std::string longest = start + std::string(107 - start.size() - 2, 'x') + "\r\n";
  expect_whole_only(longest, "local 107");
  const std::string longer = start + std::string(107 - start.size() - 1, 'x');
  EXPECT_EQ(shown(longer), "more");
  EXPECT_EQ(shown(longer + "\r"), "error");
  EXPECT_EQ(shown(longer + "\r\n"), "error");
}

TEST(ProxyHeader, IsRefusedAtTheFirstWrongByte) {
  for (const std::string_view bytes : {"E"sv, "EHLO a\r\n"sv, "PRoxy"sv, "PROXYTCP4"sv, "P\0"sv, "\n"sv, "\r\n\r\n\r"sv, "\r\r"sv,
                                       "\r\n\r\n\0\r\nQUIT\r"sv, "\0"sv})
    EXPECT_EQ(shown(bytes), "error");
}

TEST(ProxyHeaderV2, GivesBothEnds) {
  expect_whole_only(v2(0x21, 0x11, kTcp4), "192.0.2.7:40000 198.51.100.1:25 28");
  const std::string client = "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"s,
                    server = "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"s;
  expect_whole_only(v2(0x21, 0x21, client + server + "\xff\xff\x00\x19"s), "2001:db8::7:65535 2001:db8::1:25 52");
}

TEST(ProxyHeaderV2, TakesAMappedAddressAsIpv4) {
  const std::string mapped = "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x07"s;
  EXPECT_EQ(shown(v2(0x21, 0x21, mapped + mapped + "\0\x01\0\x02"s)), "192.0.2.7:1 192.0.2.7:2 52");
}

TEST(ProxyHeaderV2, SkipsWhatFollowsTheAddresses) {
  expect_whole_only(v2(0x21, 0x11, kTcp4 + "\x04\x00\x03"s + "\x00\x00\x00"s), "192.0.2.7:40000 198.51.100.1:25 34");
}

TEST(ProxyHeaderV2, KnowsNobodyIfTheBalancerDoesNot) {
  expect_whole_only(v2(0x20, 0x00, ""), "local 16");
  expect_whole_only(v2(0x20, 0x11, kTcp4), "local 28");
  expect_whole_only(v2(0x20, 0x7f, "x"), "local 17");
  expect_whole_only(v2(0x21, 0x00, "whatever"), "local 24");
  expect_whole_only(v2(0x21, 0x31, std::string(216, '\0')), "local 232");
}

TEST(ProxyHeaderV2, RefusesOtherVersionsCommandsAndFamilies) {
  for (const int version_and_command : {0x11, 0x31, 0x01, 0xa1, 0x22, 0x2f})
    EXPECT_EQ(shown(v2(static_cast<char>(version_and_command), 0x11, kTcp4).substr(0, 13)), "error") << version_and_command;
  for (const int family : {0x01, 0x10, 0x12, 0x22, 0x32, 0x41, 0xff})
    EXPECT_EQ(shown(v2(0x21, static_cast<char>(family), std::string(216, 'x'))), "error") << family;
}

TEST(ProxyHeaderV2, RefusesABlockTooShortForItsFamily) {
  EXPECT_EQ(shown(v2(0x21, 0x11, kTcp4.substr(1))), "error");
  EXPECT_EQ(shown(v2(0x21, 0x21, std::string(35, 'x'))), "error");
  EXPECT_EQ(shown(v2(0x21, 0x31, std::string(215, 'x'))), "error");
}

TEST(ProxyHeaderV2, HasAtMost536Bytes) {
  expect_whole_only(v2(0x21, 0x11, kTcp4 + std::string(508, 'x')), "192.0.2.7:40000 198.51.100.1:25 536");
  EXPECT_EQ(shown(v2(0x21, 0x11, kTcp4 + std::string(509, 'x')).substr(0, 16)), "error");
  EXPECT_EQ(shown(v2(0x20, 0x00, std::string(65535, 'x'))), "error");
}

TEST(ProxyHeaderV2, IsReadAsItWasMade) {
  const auto v4a = address("192.0.2.7"), v4b = address("198.51.100.1"), v6a = address("2001:db8::7"),
             v6b = address("2001:db8::1");
  EXPECT_EQ(make_proxy_header_v2(v4a, 40000, v4b, 25), v2(0x21, 0x11, kTcp4));
  expect_whole_only(make_proxy_header_v2(v4a, 65535, v4b, 0), "192.0.2.7:65535 198.51.100.1:0 28");
  expect_whole_only(make_proxy_header_v2(v6a, 256, v6b, 25), "2001:db8::7:256 2001:db8::1:25 52");
  expect_whole_only(make_proxy_header_v2(v4a, 1, v6b, 25), "192.0.2.7:1 2001:db8::1:25 52");
  expect_whole_only(make_proxy_header_v2(v6a, 1, v4b, 25), "2001:db8::7:1 198.51.100.1:25 52");
}

}  // namespace
}  // namespace deferd::smtp
