#include "smtp/reply.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace deferd::smtp {
namespace {

using namespace std::literals;
using testing::StartsWith;

std::string reply_to(Verdict verdict) {
  Decision decision;
  decision.verdict = std::move(verdict);
  return format_reply(decision);
}

TEST(Reply, IsOneLineWithItsCode) {
  EXPECT_EQ(format_reply(250, "2.1.0", "Ok"), "250 2.1.0 Ok\r\n");
  EXPECT_EQ(format_reply(220, "", "mx.example.org ESMTP"), "220 mx.example.org ESMTP\r\n");
}

TEST(Reply, PutsTheCodesBeforeEachLine) {
  EXPECT_EQ(format_reply(450, "4.7.1", "one\ntwo\nthree"), "450-4.7.1 one\r\n450-4.7.1 two\r\n450 4.7.1 three\r\n");
  EXPECT_EQ(format_reply(250, "", "mx\n8BITMIME\nSTARTTLS"), "250-mx\r\n250-8BITMIME\r\n250 STARTTLS\r\n");
}

TEST(Reply, KeepsEmptyLinesInsideAndDropsThemAtTheEnd) {
  EXPECT_EQ(format_reply(450, "", "one\n\nthree"), "450-one\r\n450-\r\n450 three\r\n");
  EXPECT_EQ(format_reply(450, "4.7.1", "one\n\nthree"), "450-4.7.1 one\r\n450-4.7.1\r\n450 4.7.1 three\r\n");
  EXPECT_EQ(format_reply(450, "", "one\n"), "450 one\r\n");
  EXPECT_EQ(format_reply(450, "", "one\r\n\r\n\n"), "450 one\r\n");
}

TEST(Reply, HasACodeEvenWithoutText) {
  EXPECT_EQ(format_reply(250, "", ""), "250 \r\n");
  EXPECT_EQ(format_reply(250, "2.0.0", ""), "250 2.0.0\r\n");
  EXPECT_EQ(format_reply(250, "", "\n"), "250 \r\n");
}

TEST(Reply, TakesCrLfAsALineEndToo) { EXPECT_EQ(format_reply(450, "", "one\r\ntwo\r\n"), "450-one\r\n450 two\r\n"); }

TEST(Reply, LetsOnlyPrintableAsciiOut) { EXPECT_EQ(format_reply(250, "", "a\tb\0c\x7f\xc3\xa9\r."sv), "250 a?b?c????.\r\n"); }

TEST(Reply, NeverEndsALineInsideAText) { EXPECT_EQ(format_reply(451, "", "a\r250 ok"), "451 a?250 ok\r\n"); }

TEST(Reply, BoundsLinesAndTheirLength) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += std::string(600, 'x') + "\n";
  const auto reply = format_reply(450, "4.7.1", text);
  EXPECT_EQ(std::count(reply.begin(), reply.end(), '\n'), 32);
  EXPECT_EQ(reply.size(), 32u * 502);
  EXPECT_THAT(reply.substr(31 * 502), StartsWith("450 4.7.1 xx")) << "the last line that fits ends the reply";
  EXPECT_THAT(reply.substr(30 * 502), StartsWith("450-4.7.1 xx"));
}

TEST(Reply, TakesALineOfFullLength) {
  const std::string text(496, 'x');
  EXPECT_EQ(format_reply(250, "", text), "250 " + text + "\r\n");
  EXPECT_EQ(format_reply(250, "", text + "y"), "250 " + text + "\r\n");
}

TEST(Reply, SaysWhatThePluginSays) {
  EXPECT_EQ(reply_to(Verdict::defer({450, "4.2.0", "Later"}, "")), "450 4.2.0 Later\r\n");
  EXPECT_EQ(reply_to(Verdict::reject({554, "5.7.0", "one\ntwo"}, "")), "554-5.7.0 one\r\n554 5.7.0 two\r\n");
}

TEST(Reply, HasDefaultsForEachAction) {
  EXPECT_EQ(reply_to(Verdict::defer({}, "")), "451 4.7.1 Please try again later\r\n");
  EXPECT_EQ(reply_to(Verdict::reject({}, "")), "550 5.7.1 Refused\r\n");
  EXPECT_EQ(reply_to(Verdict::close({}, "")), "421 4.7.0 Closing the connection, please try again later\r\n");
  EXPECT_EQ(reply_to(Verdict::defer({450, "", "\n"}, "")), "450 4.7.1 Please try again later\r\n");
}

TEST(Reply, NeverSendsADeferOutAs5xx) {
  for (const int code : {550, 554, 250, 354, 0, -451, 99, 600, 5000})
    EXPECT_EQ(reply_to(Verdict::defer({code, "5.1.1", "Later"}, "")), "451 4.7.1 Later\r\n") << code;
}

TEST(Reply, NeverSendsARejectOutAs4xx) {
  for (const int code : {451, 421, 250, 0})
    EXPECT_EQ(reply_to(Verdict::reject({code, "4.7.1", "No"}, "")), "550 5.7.1 No\r\n") << code;
}

TEST(Reply, ClosesWith421UnlessToldOtherwise) {
  EXPECT_EQ(reply_to(Verdict::close({250, "2.0.0", "Bye"}, "")), "421 4.7.0 Bye\r\n");
  EXPECT_EQ(reply_to(Verdict::close({450, "4.7.1", "Bye"}, "")), "450 4.7.1 Bye\r\n");
  EXPECT_EQ(reply_to(Verdict::close({554, "", "Bye"}, "")), "554 5.7.1 Bye\r\n");
}

TEST(Reply, NeverSaysYesToAPass) {
  EXPECT_THAT(reply_to(Verdict::pass()), StartsWith("451 4.7.1 "));
  EXPECT_THAT(reply_to(Verdict::accept("known")), StartsWith("451 4.7.1 "));
}

TEST(Reply, ReplacesAnEnhancedCodeThatIsNone) {
  for (const char* wrong : {"", "4", "4.7", "4.7.", "4..1", "4.7.1000", "4.a.1", "2.0.0", "5.7.1", "4.7.1 x", "4.7.1\r\n250"})
    EXPECT_EQ(reply_to(Verdict::defer({451, wrong, "x"}, "")), "451 4.7.1 x\r\n") << wrong;
  EXPECT_EQ(reply_to(Verdict::defer({451, "4.123.999", "x"}, "")), "451 4.123.999 x\r\n");
}

}  // namespace
}  // namespace deferd::smtp
