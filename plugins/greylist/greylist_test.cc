#include "greylist_fixture.h"

namespace deferd::greylist {
namespace {

TEST_F(GreylistTest, DefersAFirstTry) {
  const auto verdict = attempt("192.0.2.7");
  EXPECT_EQ(verdict.action, Action::defer);
  EXPECT_EQ(verdict.reply.code, 451);
  EXPECT_EQ(verdict.reply.enhanced, "4.7.1");
  EXPECT_EQ(verdict.reply.text, "Please try again later");
  EXPECT_EQ(verdict.reason, "first try from 192.0.2.0/24");
  EXPECT_EQ(verdict.due, host.clock().now() + 5min);
  EXPECT_EQ(answers("new"), 1U);
}

TEST_F(GreylistTest, PassesARetryAtPassTime) {
  attempt("192.0.2.7");
  after(5min);
  const auto verdict = attempt("192.0.2.7");
  EXPECT_EQ(verdict.action, Action::pass);
  EXPECT_EQ(verdict.waited, 5min);
  EXPECT_EQ(verdict.reason, "retried after 5m");
}

TEST_F(GreylistTest, DefersARetryASecondEarlier) {
  attempt("192.0.2.7");
  after(5min - 1s);
  EXPECT_FALSE(passes("192.0.2.7"));
  EXPECT_EQ(answers("early"), 1U);
}

TEST_F(GreylistTest, EarlyRetriesDoNotMoveTheTimer) {
  const auto due = attempt("192.0.2.7").due;
  for (int i = 0; i < 29; ++i) {
    after(10s);
    const auto verdict = attempt("192.0.2.7");
    EXPECT_EQ(verdict.action, Action::defer);
    EXPECT_EQ(verdict.due, due);
  }
  after(10s);
  EXPECT_TRUE(passes("192.0.2.7"));
}

TEST_F(GreylistTest, BeginsAnewAfterGreyExpiryOfTheFirstTry) {
  attempt("192.0.2.7");
  after(1min);
  attempt("192.0.2.7");
  after(8h - 1min);
  const auto verdict = attempt("192.0.2.7");
  EXPECT_EQ(verdict.action, Action::defer);
  EXPECT_EQ(verdict.due, host.clock().now() + 5min);
  EXPECT_EQ(answers("new"), 2U);
}

TEST_F(GreylistTest, PassesARetryInTheLastSecondOfTheWindow) {
  attempt("192.0.2.7");
  after(8h - 1s);
  EXPECT_TRUE(passes("192.0.2.7"));
}

TEST_F(GreylistTest, WritesTheExactAddressIntoWhite) {
  befriend("192.0.2.7");
  const auto row = white_row("192.0.2.7");
  ASSERT_TRUE(row);
  EXPECT_EQ(row->prefix.to_string(), "192.0.2.7");
  EXPECT_EQ(row->source, "greylist");
  EXPECT_EQ(row->evidence, "retry of a@example.org -> b@example.net after 5m");
  EXPECT_EQ(row->expires, host.clock().now() + std::chrono::hours{24 * 36});
  EXPECT_FALSE(white_row("192.0.2.8"));
}

TEST_F(GreylistTest, WritesTheExactIpv6AddressIntoWhite) {
  befriend("2001:db8::1");
  EXPECT_EQ(white_row("2001:db8::1")->prefix.to_string(), "2001:db8::1");
  EXPECT_FALSE(white_row("2001:db8::2"));
}

TEST_F(GreylistTest, WritesAnIpv6PrefixIfToldTo) {
  Config config;
  config.white_ipv6_prefix = 64;
  configure(config);
  befriend("2001:db8::1");
  EXPECT_EQ(white_row("2001:db8::ffff")->prefix.to_string(), "2001:db8::/64");
}

TEST_F(GreylistTest, LetsAWhiteClientWriteToAnybody) {
  befriend("192.0.2.7");
  const auto verdict = attempt("192.0.2.7", "c@example.org", "d@example.net");
  EXPECT_EQ(verdict.action, Action::pass);
  EXPECT_EQ(verdict.reason, "white, by greylist");
  EXPECT_EQ(verdict.waited, 0s);
}

TEST_F(GreylistTest, HonoursRowsOfOthersAndOfPrefixes) {
  put(kWhite, "198.51.100.0/24");
  EXPECT_TRUE(passes("198.51.100.200"));
  EXPECT_FALSE(passes("198.51.101.1"));
}

TEST_F(GreylistTest, AWhiteClientLeavesNoRecords) {
  put(kWhite, "198.51.100.0/24");
  attempt("198.51.100.200");
  EXPECT_EQ(records(), 0U);
}

TEST_F(GreylistTest, TakesAPrefixAsOneClient) {
  attempt("192.0.2.7");
  after(5min);
  EXPECT_TRUE(passes("192.0.2.200"));
  EXPECT_TRUE(white_row("192.0.2.200"));
  EXPECT_FALSE(white_row("192.0.2.7"));
}

TEST_F(GreylistTest, TakesAnIpv6PrefixAsOneClient) {
  attempt("2001:db8::1");
  after(5min);
  EXPECT_FALSE(passes("2001:db8:0:1::1"));
  EXPECT_TRUE(passes("2001:db8::2"));
}

TEST_F(GreylistTest, TellsAddressesApartIfToldTo) {
  Config config;
  config.ipv4_prefix = 32;
  configure(config);
  attempt("192.0.2.7");
  after(5min);
  EXPECT_FALSE(passes("192.0.2.8"));
  EXPECT_TRUE(passes("192.0.2.7"));
}

TEST_F(GreylistTest, PassTimeMayDependOnTheKindOfIdentity) {
  Config config;
  config.pass_times.prefix = 1min;
  config.ipv6_prefix = 128;
  configure(config);
  attempt("192.0.2.7");
  attempt("2001:db8::1");
  after(1min);
  EXPECT_TRUE(passes("192.0.2.7"));
  EXPECT_FALSE(passes("2001:db8::1"));
}

TEST_F(GreylistTest, TellsSendersAndRecipientsApart) {
  attempt("192.0.2.7");
  after(5min);
  EXPECT_FALSE(passes("192.0.2.7", "other@example.org"));
  EXPECT_FALSE(passes("192.0.2.7", kFrom, "other@example.net"));
}

TEST_F(GreylistTest, FoldsTheEnvelope) {
  attempt("192.0.2.7", "prvs=1234567890=A@Example.ORG", "B@example.net");
  after(5min);
  EXPECT_TRUE(passes("192.0.2.7", "prvs=2234567890=a@example.org", "b@EXAMPLE.net"));
}

TEST_F(GreylistTest, GreylistsTheNullSenderByRecipientAndPrefix) {
  attempt("192.0.2.7", "");
  after(5min);
  EXPECT_FALSE(passes("198.51.100.1", ""));
  EXPECT_FALSE(passes("192.0.2.7", "", "other@example.net"));
  EXPECT_TRUE(passes("192.0.2.9", ""));
}

// A crash between the tuple and the white row must not make the client wait again, nor leave it without its row.
TEST_F(GreylistTest, ALaterPassRestoresAMissingRow) {
  befriend("192.0.2.7");
  after(std::chrono::hours{24 * 36} - 1s);
  deliver("192.0.2.20");  // the tuple is used by a neighbour, and so stays
  after(1s);
  ASSERT_FALSE(white_row("192.0.2.7"));
  EXPECT_TRUE(passes("192.0.2.7"));
  EXPECT_TRUE(white_row("192.0.2.7"));
}

TEST_F(GreylistTest, AStrangerAgainAfterItsRowWasDeleted) {
  befriend("192.0.2.7");
  erase_white("192.0.2.7");
  EXPECT_FALSE(passes("192.0.2.7"));
  after(5min - 1s);
  EXPECT_FALSE(passes("192.0.2.7"));
  after(1s);
  EXPECT_TRUE(passes("192.0.2.7"));
}

TEST_F(GreylistTest, AStrangerAgainAfterThePrefixWasDeleted) {
  befriend("192.0.2.7");
  erase_white("192.0.2.7");
  erase_white("192.0.0.0/16");
  EXPECT_FALSE(passes("192.0.2.7"));
}

TEST_F(GreylistTest, ATupleOlderThanTheDeletionIsWorthless) {
  attempt("192.0.2.7");
  after(1s);
  erase_white("192.0.2.7");
  after(5min);
  EXPECT_FALSE(passes("192.0.2.7"));
}

TEST_F(GreylistTest, APassIsForgottenAfterWhiteExpiry) {
  befriend("192.0.2.7");
  after(std::chrono::hours{24 * 36});
  EXPECT_FALSE(passes("192.0.2.7"));
}

TEST_F(GreylistTest, ADeliveryKeepsTheClientWhite) {
  befriend("192.0.2.7");
  after(std::chrono::hours{24 * 30});
  EXPECT_EQ(deliver("192.0.2.7").action, Action::pass);
  after(std::chrono::hours{24 * 36} - 1s);
  EXPECT_TRUE(passes("192.0.2.7", "c@example.org", "d@example.net"));
}

TEST_F(GreylistTest, AnAcceptedMessageMakesNobodyWhite) {
  auto context = session("192.0.2.7");
  context.session().rcpt_to.push_back(kTo);
  plugin->on_accepted(context);
  EXPECT_FALSE(white_row("192.0.2.7"));
}

TEST_F(GreylistTest, ATrappedClientNeverPasses) {
  attempt("192.0.2.7");
  put(kTrapped, "192.0.2.7");
  for (int i = 0; i < 10; ++i) {
    after(20min);
    EXPECT_FALSE(passes("192.0.2.7"));
  }
  EXPECT_FALSE(white_row("192.0.2.7"));
  EXPECT_EQ(answers("trapped"), 10U);
}

TEST_F(GreylistTest, ATrappedClientDoesNotPassByItsWhiteRow) {
  befriend("192.0.2.7");
  put(kTrapped, "192.0.2.7");
  EXPECT_FALSE(passes("192.0.2.7"));
}

TEST_F(GreylistTest, ATupleGoesOnWhenTheTrapEnds) {
  attempt("192.0.2.7");
  put(kTrapped, "192.0.2.7", "operator", 1h);
  after(1h);
  EXPECT_TRUE(passes("192.0.2.7"));
}

TEST_F(GreylistTest, AListedClientPassesByItsOwnRetryOnly) {
  tags = {"blacklist.hit"};
  attempt("192.0.2.7");
  after(5min);
  EXPECT_TRUE(passes("192.0.2.7"));
}

TEST_F(GreylistTest, SaysTheSecondsLeftIfAsked) {
  Config config;
  config.reply_text = "Come back in {seconds} seconds";
  configure(config);
  EXPECT_EQ(attempt("192.0.2.7").reply.text, "Come back in 300 seconds");
  after(100s);
  EXPECT_EQ(attempt("192.0.2.7").reply.text, "Come back in 200 seconds");
}

TEST_F(GreylistTest, ARuleMayChooseAProfile) {
  Config config;
  config.profiles = {{"slow", {.pass_time = 25min, .grey_expiry = {}, .white_expiry = {}, .max_wait = {}}}};
  configure(config);
  tags = {"greylist.profile=slow"};
  attempt("192.0.2.7");
  after(25min - 1s);
  EXPECT_FALSE(passes("192.0.2.7"));
  after(1s);
  EXPECT_TRUE(passes("192.0.2.7"));
}

TEST_F(GreylistTest, AnUnknownProfileIsToldOnceAndTheDefaultUsed) {
  tags = {"greylist.profile=slwo"};
  attempt("192.0.2.7");
  after(5min);
  EXPECT_TRUE(passes("192.0.2.7"));
  EXPECT_EQ(host.log().count("unknown=slwo"), 1U);
}

TEST_F(GreylistTest, MeasuresTheDelayOnceAPass) {
  attempt("192.0.2.7");
  after(7min);
  attempt("192.0.2.7");
  attempt("192.0.2.7");
  EXPECT_EQ(delays(), std::vector<double>{420});
}

TEST_F(GreylistTest, MeasuresTheDelayOfMailWhoseClientBecameWhiteMeanwhile) {
  attempt("192.0.2.7", kFrom, "one@example.net");
  after(1min);
  attempt("192.0.2.7", kFrom, "two@example.net");
  after(4min);
  attempt("192.0.2.7", kFrom, "one@example.net");
  after(1min);
  EXPECT_EQ(attempt("192.0.2.7", kFrom, "two@example.net").waited, 5min);
  EXPECT_EQ(attempt("192.0.2.7", kFrom, "two@example.net").waited, 0s);
  EXPECT_EQ(delays(), (std::vector<double>{300, 300}));
}

TEST_F(GreylistTest, ADryRunChangesAndCountsNothing) {
  attempt("192.0.2.7");
  after(1min);
  const auto before = answers("early") + answers("new");
  auto context = session("192.0.2.7");
  context.set_dry(true);
  EXPECT_EQ(plugin->on_rcpt(context, kTo).action, Action::defer);
  EXPECT_EQ(answers("early") + answers("new"), before);
}

TEST_F(GreylistTest, ADryRunDebitsNoQuota) {
  Config config;
  config.quota = {2, 1};
  configure(config);
  for (int i = 0; i < 10; ++i) {
    auto context = session("192.0.2.7", "dry" + std::string(1, static_cast<char>('a' + i)) + "@example.org");
    context.set_dry(true);
    EXPECT_EQ(plugin->on_rcpt(context, kTo).reason, "first try from 192.0.2.0/24");
  }
}

TEST_F(GreylistTest, LeavesABrokenStoreToTheHost) {
  host.break_store({Errc::unavailable, "the store is away"});
  EXPECT_THROW(attempt("192.0.2.7"), ErrorException);
  host.mend_store();
  EXPECT_FALSE(passes("192.0.2.7"));
}

TEST_F(GreylistTest, TakesDamagedRecordsAsAbsentAndCountsThem) {
  attempt("192.0.2.7");
  const auto page = or_throw(host.store().scan("p", "", 100));
  for (const auto& record : page.records) {
    const Change change{record.key, "\x7f rubbish", record.expires, std::nullopt};
    or_throw(host.store().commit(record.group, {&change, 1}));
  }
  after(5min);
  EXPECT_FALSE(passes("192.0.2.7"));
  EXPECT_EQ(host.count("deferd_greylist_unreadable_records_total"), 2U);
}

TEST_F(GreylistTest, WaitingGetsNoLongerWhenTheClockIsSetBack) {
  attempt("192.0.2.7");
  host.clock().set(host.clock().now() - 24h);
  EXPECT_FALSE(passes("192.0.2.7"));
  after(5min);
  EXPECT_TRUE(passes("192.0.2.7"));
}

TEST_F(GreylistTest, FoldsAddressesOfAnyLengthAndContent) {
  const std::string long_one(5000, 'x');
  EXPECT_FALSE(passes("192.0.2.7", long_one + "@example.org", std::string("b\n\0\r", 4) + long_one));
  after(5min);
  EXPECT_TRUE(passes("192.0.2.7", long_one + "@example.org", std::string("b\n\0\r", 4) + long_one));
}

}  // namespace
}  // namespace deferd::greylist
