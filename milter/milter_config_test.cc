#include "milter/milter_config.h"

#include <gtest/gtest.h>

#include "milter/milter_socket.h"

namespace deferd {
namespace {

MilterConfig read(const char* key, const char* value) {
  auto map = Value::map();
  map.set(key, value);
  return read_or_throw<MilterConfig>(map, "milter");
}

std::string problem(const char* key, const char* value) {
  try {
    read(key, value);
  } catch (const ConfigError& error) {
    return error.problems.to_string("f");
  }
  return {};
}

TEST(MilterConfig, ReadsAModeInOctal) {
  EXPECT_EQ(read("socket_mode", "0666").socket_mode.bits, 0666u);
  EXPECT_EQ(read("socket_mode", "600").socket_mode.bits, 0600u);
  for (const char* wrong : {"0999", "rw", "", "07777"}) EXPECT_NE(problem("socket_mode", wrong), "") << wrong;
}

TEST(MilterConfig, ShowsItsDefaultModeInOctal) { EXPECT_EQ(Codec<FileMode>::print(FileMode{}), "0660"); }

TEST(MilterConfig, LimitsTheDrainSoThatStoppingTakesLessThanTenSeconds) {
  EXPECT_EQ(read("drain", "8s").drain, std::chrono::seconds(8));
  EXPECT_NE(problem("drain", "9s"), "");
}

TEST(MilterConfig, RefusesAHeaderThatIsNone) {
  EXPECT_EQ(read("header", "").header, "");
  EXPECT_NE(problem("header", "X-Two: words"), "");
}

std::string printed(const char* text) {
  const auto socket = MilterSocket::parse(text);
  return socket ? socket->to_string() : "error: " + socket.error().what;
}

TEST(MilterSocket, ReadsTheSyntaxOfSendmailAndOfPostfix) {
  EXPECT_EQ(printed("unix:./var/milter.sock"), "unix:./var/milter.sock");
  EXPECT_EQ(printed("local:/run/m"), "unix:/run/m");
  EXPECT_EQ(printed("inet:8891@127.0.0.1"), "inet:8891@127.0.0.1");
  EXPECT_EQ(printed("inet:127.0.0.1:8891"), "inet:8891@127.0.0.1");
  EXPECT_EQ(printed("inet:8891@localhost"), "inet:8891@127.0.0.1");
  EXPECT_EQ(printed("inet6:8891@::1"), "inet6:8891@::1");
  EXPECT_EQ(printed("inet6:8891@localhost"), "inet6:8891@::1");
  EXPECT_EQ(printed("inet:[::1]:8891"), "inet6:8891@::1");
}

TEST(MilterSocket, AsksForTheHost) {
  EXPECT_NE(printed("inet:8891").find("write inet:8891@127.0.0.1"), std::string::npos);
  EXPECT_NE(printed("inet6:8891").find("write inet6:8891@::1"), std::string::npos);
}

TEST(MilterSocket, RefusesWhatCannotBeListenedAt) {
  for (const char* wrong : {"", "unix:", "/run/m", "tcp:1@127.0.0.1", "inet:0@127.0.0.1", "inet:65536@127.0.0.1",
                            "inet:x@127.0.0.1", "inet:25@mx.example.org", "inet6:25@127.0.0.1"})
    EXPECT_TRUE(printed(wrong).starts_with("error: ")) << wrong;
  EXPECT_NE(printed(("unix:/" + std::string(200, 'x')).c_str()).find("too long"), std::string::npos);
}

}  // namespace
}  // namespace deferd
