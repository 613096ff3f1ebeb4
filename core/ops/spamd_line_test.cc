#include "ops/spamd_line.h"

#include <gtest/gtest.h>

#include "ops/log_line.h"

namespace deferd {
namespace {

const Address kClient = *Address::parse("192.0.2.7");

std::string line(std::string_view event, std::initializer_list<Field> fields) {
  std::string out;
  return append_spamd_line(out, event, std::span(fields.begin(), fields.size())) ? out : "no words" + out;
}

// The rows of the table that docs/migrating-from-spamd.md gives.

TEST(SpamdLine, OfTheStart) {
  EXPECT_EQ(line("smtp.listening", {{"socket", "127.0.0.1:8025"}}), "listening for incoming connections.");
}

TEST(SpamdLine, OfAConnection) {
  EXPECT_EQ(line("smtp.connected", {{"client", kClient}, {"connections", 12}, {"held", 3}}), "192.0.2.7: connected (12/3)");
}

TEST(SpamdLine, OfItsEnd) {
  EXPECT_EQ(line("smtp.disconnected", {{"client", kClient}, {"seconds", 42}, {"lists", ""}}),
            "192.0.2.7: disconnected after 42 seconds.");
  EXPECT_EQ(line("smtp.disconnected", {{"client", kClient}, {"seconds", 421}, {"lists", "blacklist"}}),
            "192.0.2.7: disconnected after 421 seconds. lists: blacklist");
}

TEST(SpamdLine, OfARecipientThatHasToComeBack) {
  EXPECT_EQ(line("rcpt.defer", {{"id", "7641df9771b4ed00.1"},
                                {"client", kClient},
                                {"helo", "mail.example.org"},
                                {"from", "a@example.org"},
                                {"rcpt", "b@example.net"},
                                {"plugin", "greylist"},
                                {"code", 451}}),
            "(GREY) 192.0.2.7: <a@example.org> -> <b@example.net>");
  EXPECT_EQ(line("rcpt.reject", {{"client", kClient}, {"from", ""}, {"rcpt", "b@example.net"}}),
            "(GREY) 192.0.2.7: <> -> <b@example.net>");
}

TEST(SpamdLine, OfARecipientOfAHeldClient) {
  for (const auto* event : {"rcpt.defer", "rcpt.reject", "rcpt.close"})
    EXPECT_EQ(line(event, {{"client", kClient}, {"from", "a@example.org"}, {"rcpt", "b@example.net"}, {"held", "yes"}}),
              "(BLACK) 192.0.2.7: <a@example.org> -> <b@example.net>");
}

TEST(SpamdLine, OfAHeldClientsMessage) {
  for (const auto* header : {"From: anna <a@example.org>", "To: bert", "Subject: =?utf-8?q?win?="})
    EXPECT_EQ(line("smtp.held", {{"session", "7641df9771b4ed00"}, {"client", kClient}, {"line", header}}),
              "192.0.2.7: " + std::string(header));
}

TEST(SpamdLine, HasNoWordsForWhatSpamdDoesNotDo) {
  for (const auto* event : {"rcpt.pass", "rcpt.accept", "data.defer", "milter.listening", "deferd.ready"})
    EXPECT_EQ(line(event, {{"client", kClient}}), "no words") << event;
}

TEST(SpamdLine, KeepsStrangersBytesOnTheLine) {
  const auto text = line("rcpt.defer", {{"client", kClient}, {"from", "a\n(GREY) 192.0.2.8"}, {"rcpt", "\x1b[2J"}});
  EXPECT_EQ(text, R"((GREY) 192.0.2.7: <a\x0a(GREY) 192.0.2.8> -> <\x1b[2J>)");
}

TEST(SpamdFormat, BeginsLikeTextAndFallsBackToIt) {
  const auto whole = [](LinePrefix prefix, std::string_view event) {
    std::string out;
    const Field client("client", kClient);
    append_line(out, {LogConfig::Format::spamd, prefix}, Time{}, Level::info, event, {&client, 1});
    return out;
  };
  EXPECT_EQ(whole(LinePrefix::priority, "smtp.connected"), "<6>192.0.2.7: connected (0/0)\n");
  EXPECT_EQ(whole(LinePrefix::time, "smtp.connected"), "1970-01-01T00:00:00Z info 192.0.2.7: connected (0/0)\n");
  EXPECT_EQ(whole(LinePrefix::priority, "rcpt.pass"), "<6>rcpt.pass client=192.0.2.7\n");
}

}  // namespace
}  // namespace deferd
