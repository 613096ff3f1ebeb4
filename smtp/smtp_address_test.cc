#include "smtp/smtp_address.h"

#include <gtest/gtest.h>

namespace deferd::smtp {
namespace {

std::string printed(const std::string& text) {
  const auto address = SmtpAddress::parse(text);
  return address ? address->to_string() : "error: " + address.error().what;
}

TEST(SmtpAddress, IsWrittenAsEverywhere) {
  for (const char* right : {"127.0.0.1:8025", "[::1]:8025", "0.0.0.0:25", "[::]:25", "127.0.0.1:0", "unix:./var/smtp.sock"})
    EXPECT_EQ(printed(right), right);
  EXPECT_EQ(printed("localhost:2525"), "127.0.0.1:2525");
  EXPECT_EQ(printed("[2001:DB8:0::1]:25"), "[2001:db8::1]:25");
}

TEST(SmtpAddress, IsWhatAListenerTakes) {
  const auto address = SmtpAddress::parse("[2001:db8::1]:8025").value();
  EXPECT_FALSE(address.is_unix());
  EXPECT_EQ(address.tcp, (Listener::Tcp{Address::parse("2001:db8::1").value(), 8025, true}));
  EXPECT_EQ(SmtpAddress::parse("unix:/run/smtp.sock").value().path, "/run/smtp.sock");
}

TEST(SmtpAddress, ListensNowhereByAccident) {
  EXPECT_NE(printed("*:25").find("write 0.0.0.0:25 for every IPv4 address, [::]:25 for"), std::string::npos) << printed("*:25");
  EXPECT_EQ(printed(":25"), printed("*:25"));
}

TEST(SmtpAddress, SaysHowItIsMeant) {
  EXPECT_EQ(printed("2001:db8::1:25"), "error: write [2001:db8::1]:25");
  EXPECT_EQ(printed("::1"), "error: the port is missing: write [::1]:25");
  EXPECT_EQ(printed("[127.0.0.1]:25"), "error: write 127.0.0.1:25");
  EXPECT_EQ(printed("[::ffff:192.0.2.1]:25"), "error: write 192.0.2.1:25");
  EXPECT_EQ(printed("8025"), "error: expected ADDRESS:PORT, [IPV6-ADDRESS]:PORT or unix:PATH");
  EXPECT_EQ(printed("127.0.0.1:smtp"), "error: 'smtp' is no port: 0 to 65535, 0 for any that is free");
}

TEST(SmtpAddress, RefusesWhatCannotBeListenedAt) {
  for (const char* wrong : {"", ":", "unix:", "/run/smtp", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:", "mx.example.org:25",
                            "[::1]", "[::1]25", "inet:25@127.0.0.1"})
    EXPECT_TRUE(printed(wrong).starts_with("error: ")) << wrong;
  EXPECT_NE(printed("unix:/" + std::string(200, 'x')).find("can have"), std::string::npos);
}

}  // namespace
}  // namespace deferd::smtp
