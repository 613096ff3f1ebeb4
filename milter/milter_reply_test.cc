#include "milter/milter_reply.h"

#include <gmock/gmock.h>

namespace deferd {
namespace {

using testing::ElementsAre;

MilterReply reply_to(Verdict verdict) {
  Decision decision;
  decision.verdict = std::move(verdict);
  decision.pace.delay = std::chrono::seconds(1);
  return MilterReply::of(decision);
}

TEST(MilterReply, LetsPassAndAcceptGoOnUndelayed) {
  for (auto verdict : {Verdict::pass(), Verdict::accept("known")}) {
    const auto reply = reply_to(verdict);
    EXPECT_EQ(reply.kind, MilterReply::Kind::go_on);
    EXPECT_EQ(reply.pace.count(), 0);
  }
}

TEST(MilterReply, SaysWhatThePluginSays) {
  const auto reply = reply_to(Verdict::defer({450, "4.2.0", "Later"}, ""));
  EXPECT_EQ(reply.kind, MilterReply::Kind::tempfail);
  EXPECT_EQ(reply.code, 450);
  EXPECT_EQ(reply.enhanced, "4.2.0");
  EXPECT_THAT(reply.lines, ElementsAre("Later"));
  EXPECT_EQ(reply.pace, std::chrono::seconds(1));
}

TEST(MilterReply, HasDefaultsForEachAction) {
  EXPECT_EQ(reply_to(Verdict::defer({}, "")).code, 451);
  EXPECT_EQ(reply_to(Verdict::defer({}, "")).enhanced, "4.7.1");
  EXPECT_EQ(reply_to(Verdict::reject({}, "")).code, 550);
  EXPECT_EQ(reply_to(Verdict::reject({}, "")).enhanced, "5.7.1");
  EXPECT_FALSE(reply_to(Verdict::reject({}, "")).lines[0].empty());
}

TEST(MilterReply, NeverSendsADeferOutAs5xx) {
  const auto reply = reply_to(Verdict::defer({550, "5.1.1", "Later"}, ""));
  EXPECT_EQ(reply.kind, MilterReply::Kind::tempfail);
  EXPECT_EQ(reply.code, 451);
  EXPECT_EQ(reply.enhanced, "4.7.1");
  EXPECT_THAT(reply.lines, ElementsAre("Later"));
}

TEST(MilterReply, NeverSendsARejectOutAs4xx) {
  const auto reply = reply_to(Verdict::reject({451, "4.7.1", "No"}, ""));
  EXPECT_EQ(reply.kind, MilterReply::Kind::reject);
  EXPECT_EQ(reply.code, 550);
  EXPECT_EQ(reply.enhanced, "5.7.1");
}

TEST(MilterReply, HangsUpWith421Only) {
  const auto reply = reply_to(Verdict::close({554, "5.7.1", "Bye"}, ""));
  EXPECT_EQ(reply.kind, MilterReply::Kind::tempfail);
  EXPECT_EQ(reply.code, 421);
  EXPECT_EQ(reply.enhanced, "4.7.0");
  EXPECT_TRUE(reply.hangs_up());
}

TEST(MilterReply, ReplacesAnEnhancedCodeThatIsNone) {
  for (const char* wrong : {"", "4", "4.7", "4.7.", "4..1", "4.7.1000", "4.a.1", "2.0.0", "5.7.1", "4.7.1 x"})
    EXPECT_EQ(reply_to(Verdict::defer({451, wrong, "x"}, "")).enhanced, "4.7.1") << wrong;
  EXPECT_EQ(reply_to(Verdict::defer({451, "4.123.999", "x"}, "")).enhanced, "4.123.999");
}

TEST(MilterReply, SplitsLines) {
  EXPECT_THAT(reply_to(Verdict::defer({451, "", "one\r\ntwo\n\nfour"}, "")).lines, ElementsAre("one", "two", "", "four"));
}

TEST(MilterReply, DropsEmptyLinesAtTheEnd) {
  EXPECT_THAT(reply_to(Verdict::defer({451, "", "one\n\n"}, "")).lines, ElementsAre("one"));
  EXPECT_THAT(reply_to(Verdict::defer({451, "", "\n"}, "")).lines, ElementsAre("Please try again later"));
}

TEST(MilterReply, KeepsToTheLimitsOfLibmilter) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += std::string(600, '%') + "\n";
  const auto reply = reply_to(Verdict::defer({451, "", text}, ""));
  EXPECT_EQ(reply.lines.size(), 32u);
  EXPECT_LE(reply.lines[0].size(), 980u);
}

TEST(MilterReply, DoublesPercentSigns) { EXPECT_THAT(reply_to(Verdict::defer({451, "", "5%"}, "")).lines, ElementsAre("5%%")); }

TEST(MilterReply, LetsOnlyPrintableAsciiOut) {
  EXPECT_THAT(reply_to(Verdict::defer({451, "", "a\rb\tc\x80"}, "")).lines, ElementsAre("a?b?c?"));
}

}  // namespace
}  // namespace deferd
