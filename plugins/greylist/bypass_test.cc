// What lets a recipient pass without a retry of its tuple: max_wait, known senders, correspondents, expected mail.
#include "greylist_fixture.h"

namespace deferd::greylist {
namespace {

class MaxWaitTest : public GreylistTest {};

TEST_F(MaxWaitTest, BoundsTheWaitingWhateverTheAddressesDo) {
  attempt("192.0.2.7");
  after(30min);
  EXPECT_FALSE(passes("198.51.100.7"));
  after(30min - 1s);
  EXPECT_FALSE(passes("203.0.113.7"));
  after(1s);
  const auto verdict = attempt("2001:db8::7");
  EXPECT_EQ(verdict.action, Action::pass);
  EXPECT_EQ(verdict.waited, 60min);
  EXPECT_EQ(answers("max_wait"), 1U);
}

TEST_F(MaxWaitTest, TellsWhenItIsDue) {
  attempt("192.0.2.7");
  after(58min);
  EXPECT_EQ(attempt("198.51.100.7").due, host.clock().now() + 2min);
}

TEST_F(MaxWaitTest, WritesNothingIntoWhite) {
  attempt("192.0.2.7");
  after(60min);
  EXPECT_EQ(deliver("198.51.100.7").action, Action::pass);
  EXPECT_FALSE(white_row("198.51.100.7"));
}

TEST_F(MaxWaitTest, PassesOneRecipientOnce) {
  attempt("192.0.2.7");
  after(60min);
  EXPECT_TRUE(passes("198.51.100.7"));
  EXPECT_FALSE(passes("198.51.100.7"));
  EXPECT_FALSE(passes("203.0.113.7"));
  after(60min - 1s);
  EXPECT_FALSE(passes("198.51.101.7"));
  after(1s);
  EXPECT_TRUE(passes("198.51.102.7"));
}

TEST_F(MaxWaitTest, AMailThatPassedByItselfWaitsNoLonger) {
  attempt("192.0.2.7");
  after(5min);
  EXPECT_TRUE(passes("192.0.2.7"));
  after(55min);
  EXPECT_FALSE(passes("198.51.100.7"));
}

TEST_F(MaxWaitTest, AFirstTryNeverPassesByIt) {
  after(48h);
  EXPECT_FALSE(passes("192.0.2.7"));
}

TEST_F(MaxWaitTest, NeverForListedOrTrappedClients) {
  attempt("192.0.2.7");
  after(60min);
  put(kTrapped, "198.51.100.7");
  EXPECT_FALSE(passes("198.51.100.7"));
  for (const auto* tag : {"blacklist.hit", "listed"}) {
    tags = {tag};
    EXPECT_FALSE(passes("203.0.113.7"));
  }
  tags = {};
  EXPECT_TRUE(passes("198.51.101.7"));
}

TEST_F(MaxWaitTest, TheNullSenderWaitsByPrefixAndRecipient) {
  Config config;
  config.pass_time = 50min;
  configure(config);
  attempt("192.0.2.7", "");
  after(60min);
  EXPECT_FALSE(passes("198.51.100.7", ""));
  EXPECT_TRUE(passes("192.0.2.7", ""));
}

TEST_F(MaxWaitTest, CanBeSwitchedOff) {
  Config config;
  config.max_wait = 0s;
  configure(config);
  attempt("192.0.2.7");
  after(7h);
  EXPECT_FALSE(passes("198.51.100.7"));
}

TEST_F(MaxWaitTest, AnAttemptOverQuotaDoesNotCount) {
  Config config;
  config.quota = {1, 1};
  configure(config);
  attempt("192.0.2.7", "other@example.org");
  attempt("192.0.2.7");
  after(60min);
  EXPECT_FALSE(passes("198.51.100.7"));
}

class KnownSenderTest : public GreylistTest {
 protected:
  void pass_pairs(int count) {
    for (int i = 0; i < count; ++i)
      befriend("192.0.2." + std::to_string(10 + i), kFrom, "user" + std::string(1, static_cast<char>('a' + i)) + "@example.net");
  }
};

TEST_F(KnownSenderTest, AnIdentityThatPassedForThreePairsPassesAtOnce) {
  pass_pairs(3);
  const auto verdict = attempt("192.0.2.99", "new@example.org", "new@example.net");
  EXPECT_EQ(verdict.action, Action::pass);
  EXPECT_EQ(verdict.reason, "known for example.org: 3 pairs passed from 192.0.2.0/24");
}

TEST_F(KnownSenderTest, TwoPairsAreNotEnough) {
  pass_pairs(2);
  EXPECT_FALSE(passes("192.0.2.99", "new@example.org", "new@example.net"));
}

TEST_F(KnownSenderTest, OnePairThatPassesOftenIsOnePair) {
  for (int i = 0; i < 4; ++i) {
    befriend("192.0.2.7");
    erase_white("192.0.2.7");
    after(2h);
  }
  EXPECT_FALSE(passes("192.0.2.99", "new@example.org", "new@example.net"));
}

TEST_F(KnownSenderTest, OnlyForThatDomainAndIdentity) {
  pass_pairs(3);
  EXPECT_FALSE(passes("192.0.2.99", "new@example.com", "new@example.net"));
  EXPECT_FALSE(passes("192.0.3.99", "new@example.org", "new@example.net"));
  EXPECT_FALSE(passes("192.0.2.99", "", "new@example.net"));
}

TEST_F(KnownSenderTest, WritesNothingIntoWhite) {
  pass_pairs(3);
  EXPECT_EQ(deliver("192.0.2.99", "new@example.org", "new@example.net").action, Action::pass);
  EXPECT_FALSE(white_row("192.0.2.99"));
}

TEST_F(KnownSenderTest, NeverForListedOrTrappedClients) {
  pass_pairs(3);
  tags = {"listed"};
  EXPECT_FALSE(passes("192.0.2.99", "new@example.org", "new@example.net"));
  tags = {};
  put(kTrapped, "192.0.2.98");
  EXPECT_FALSE(passes("192.0.2.98", "new@example.org", "new@example.net"));
}

TEST_F(KnownSenderTest, AMailOfAWhiteClientCountsOnceItIsAccepted) {
  befriend("192.0.2.7");
  attempt("192.0.2.7", "b@example.org", "one@example.net");
  attempt("192.0.2.7", "c@example.org", "two@example.net");
  EXPECT_FALSE(passes("192.0.2.99", "new@example.org", "new@example.net"));
  deliver("192.0.2.7", "b@example.org", "one@example.net");
  deliver("192.0.2.7", "c@example.org", "two@example.net");
  EXPECT_TRUE(passes("192.0.2.99", "new@example.org", "new@example.net"));
}

TEST_F(KnownSenderTest, AnOperatorsRowProvesNothing) {
  put(kWhite, "192.0.2.7");
  for (const auto* to : {"one@example.net", "two@example.net", "three@example.net"}) deliver("192.0.2.7", kFrom, to);
  EXPECT_FALSE(passes("192.0.2.99", "new@example.org", "new@example.net"));
}

TEST_F(KnownSenderTest, IsForgottenAfterItsOwnExpiry) {
  Config config;
  config.known_senders.expiry = 24h;
  configure(config);
  pass_pairs(3);
  after(24h - 11min);
  EXPECT_TRUE(passes("192.0.2.99", "new@example.org", "new@example.net"));
  after(1min);
  EXPECT_FALSE(passes("192.0.2.99", "new@example.org", "new@example.net"));
}

TEST_F(KnownSenderTest, EvidenceFromBeforeARevocationIsWorthlessToThatClient) {
  pass_pairs(3);
  erase_white("192.0.2.99");
  EXPECT_FALSE(passes("192.0.2.99", "new@example.org", "new@example.net"));
  EXPECT_TRUE(passes("192.0.2.98", "new@example.org", "new@example.net"));
}

TEST_F(KnownSenderTest, CanBeSwitchedOff) {
  Config config;
  config.known_senders.pairs = 0;
  configure(config);
  pass_pairs(3);
  EXPECT_FALSE(passes("192.0.2.99", "new@example.org", "new@example.net"));
}

class CorrespondentTest : public GreylistTest {
 protected:
  void our_user_writes(std::string user, std::string to) {
    auto context = session("127.0.0.1", std::move(user));
    context.session().auth = "user";
    context.session().rcpt_to = {std::move(to)};
    plugin->on_accepted(context);
  }
};

TEST_F(CorrespondentTest, WhomAUserWroteToMayAnswerAtOnce) {
  our_user_writes("User@example.net", "friend@example.org");
  const auto verdict = attempt("192.0.2.7", "Friend@example.org", "user@example.net");
  EXPECT_EQ(verdict.action, Action::pass);
  EXPECT_EQ(verdict.reason, "user@example.net has written to friend@example.org");
  EXPECT_FALSE(white_row("192.0.2.7"));
}

TEST_F(CorrespondentTest, OnlyToThatUserAndFromThatAddress) {
  our_user_writes("user@example.net", "friend@example.org");
  EXPECT_FALSE(passes("192.0.2.7", "friend@example.org", "other@example.net"));
  EXPECT_FALSE(passes("192.0.2.7", "foe@example.org", "user@example.net"));
  EXPECT_FALSE(passes("192.0.2.7", "", "user@example.net"));
}

TEST_F(CorrespondentTest, OfExemptHostsToo) {
  auto context = session("10.0.0.1", "user@example.net");
  context.session().tags = {"exempt"};
  context.session().rcpt_to = {"friend@example.org"};
  plugin->on_accepted(context);
  EXPECT_TRUE(passes("192.0.2.7", "friend@example.org", "user@example.net"));
}

TEST_F(CorrespondentTest, StrangersTeachNothing) {
  auto context = session("192.0.2.7", "user@example.net");
  context.session().rcpt_to = {"friend@example.org"};
  plugin->on_accepted(context);
  EXPECT_FALSE(passes("192.0.2.7", "friend@example.org", "user@example.net"));
}

TEST_F(CorrespondentTest, NeverForListedOrTrappedClients) {
  our_user_writes("user@example.net", "friend@example.org");
  tags = {"listed"};
  EXPECT_FALSE(passes("192.0.2.7", "friend@example.org", "user@example.net"));
  tags = {};
  put(kTrapped, "192.0.2.7");
  EXPECT_FALSE(passes("192.0.2.7", "friend@example.org", "user@example.net"));
}

TEST_F(CorrespondentTest, IsForgottenAfterItsOwnExpiry) {
  our_user_writes("user@example.net", "friend@example.org");
  after(std::chrono::hours{24 * 36});
  EXPECT_FALSE(passes("192.0.2.7", "friend@example.org", "user@example.net"));
}

TEST_F(CorrespondentTest, AMassMailingIsBounded) {
  auto context = session("127.0.0.1", "user@example.net");
  context.session().auth = "user";
  for (int i = 0; i < 1000; ++i) context.session().rcpt_to.push_back("u" + std::to_string(i) + "x@example.org");
  plugin->on_accepted(context);
  EXPECT_EQ(records(), 100U);
}

TEST_F(CorrespondentTest, CanBeSwitchedOff) {
  our_user_writes("user@example.net", "friend@example.org");
  Config config;
  config.correspondents.enabled = false;
  configure(config);
  EXPECT_FALSE(passes("192.0.2.7", "friend@example.org", "user@example.net"));
  const auto before = records();
  our_user_writes("user@example.net", "other@example.org");
  EXPECT_EQ(records(), before);
}

class ExpectTest : public GreylistTest {};

TEST_F(ExpectTest, ExpectedMailPassesUndelayedInItsWindow) {
  ASSERT_TRUE(command("expect", {{"to", "B@example.net"}, {"for", "15m"}}));
  const auto verdict = attempt("192.0.2.7");
  EXPECT_EQ(verdict.action, Action::pass);
  EXPECT_EQ(verdict.reason, "expected from anybody until 2026-01-01T00:15:00Z");
  after(15min - 1s);
  EXPECT_TRUE(passes("198.51.100.7"));
  after(1s);
  EXPECT_FALSE(passes("203.0.113.7"));
}

TEST_F(ExpectTest, OnlyForThatRecipient) {
  ASSERT_TRUE(command("expect", {{"to", kTo}, {"for", "15m"}}));
  EXPECT_FALSE(passes("192.0.2.7", kFrom, "other@example.net"));
}

TEST_F(ExpectTest, OnlyFromThatDomainAndBelow) {
  ASSERT_TRUE(command("expect", {{"to", kTo}, {"from_domain", "Example.org"}, {"for", "15m"}}));
  EXPECT_TRUE(passes("192.0.2.7", "login@example.org"));
  EXPECT_TRUE(passes("192.0.2.7", "login@mail.example.org"));
  EXPECT_FALSE(passes("192.0.2.7", "login@notexample.org"));
  EXPECT_FALSE(passes("192.0.2.7", ""));
}

TEST_F(ExpectTest, WritesNothingIntoWhiteNorATuple) {
  ASSERT_TRUE(command("expect", {{"to", kTo}, {"for", "15m"}}));
  const auto before = records();
  deliver("192.0.2.7");
  EXPECT_FALSE(white_row("192.0.2.7"));
  EXPECT_EQ(records(), before);
}

TEST_F(ExpectTest, NotForTrappedClients) {
  ASSERT_TRUE(command("expect", {{"to", kTo}, {"for", "15m"}}));
  put(kTrapped, "192.0.2.7");
  EXPECT_FALSE(passes("192.0.2.7"));
}

TEST_F(ExpectTest, ManyWindowsOfOneRecipientAreBounded) {
  for (int i = 0; i < 40; ++i) {
    const auto minutes = std::to_string(10 + i) + "m";
    ASSERT_TRUE(command("expect", {{"to", kTo}, {"from_domain", "d" + std::to_string(i) + ".example"}, {"for", minutes}}));
  }
  EXPECT_TRUE(passes("192.0.2.7", "a@d39.example"));
  EXPECT_FALSE(passes("192.0.2.7", "a@d0.example"));
}

TEST_F(ExpectTest, EndsTheWaitingOfThatPair) {
  attempt("192.0.2.7");
  after(2min);
  ASSERT_TRUE(command("expect", {{"to", kTo}, {"for", "15m"}}));
  EXPECT_EQ(attempt("198.51.100.7").waited, 2min);
  EXPECT_EQ(attempt("198.51.100.7").waited, 0s);
}

}  // namespace
}  // namespace deferd::greylist
