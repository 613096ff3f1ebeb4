// The trap at the MX of the lowest priority, and above all when it does not spring.
#include "loopback.h"
#include "traplist_fixture.h"

namespace deferd::traplist {
namespace {

class BetterMxTest : public ::testing::Test {
 protected:
  void heard(std::size_t server, bool accepts) { mx.heard(server, accepts, now); }
  /// Both are asked every ten seconds for so long.
  void good_for(std::chrono::seconds time) {
    for (const auto end = now + time; now < end; now += 10s) {
      heard(0, true);
      heard(1, true);
    }
  }
  SteadyTime now{1h};
  BetterMx mx{2, 10min, 25s};
};

TEST_F(BetterMxTest, KnowsNothingAtFirst) {
  EXPECT_EQ(mx.accepted_around(now), false);
  good_for(9min);
  EXPECT_EQ(mx.accepted_around(now), false);
}

TEST_F(BetterMxTest, WaitsForAnAnswerToAQuestionAskedAfterTheMoment) {
  good_for(11min);
  const auto moment = now - 1s;
  EXPECT_EQ(mx.accepted_around(moment), std::nullopt);
  heard(0, true);
  EXPECT_EQ(mx.accepted_around(moment), std::nullopt);
  heard(1, true);
  EXPECT_EQ(mx.accepted_around(moment), true);
}

TEST_F(BetterMxTest, TakesOneThatIsDownForAll) {
  good_for(11min);
  heard(0, true);
  heard(1, false);
  EXPECT_EQ(mx.accepted_around(now - 1s), false);
  good_for(9min);
  EXPECT_EQ(mx.accepted_around(now - 1s), false);
  good_for(2min);
  heard(0, true), heard(1, true);
  EXPECT_EQ(mx.accepted_around(now - 1s), true);
}

TEST_F(BetterMxTest, TakesAGapForAnOutage) {
  good_for(11min);
  now += 30s;
  EXPECT_EQ(mx.accepted_around(now), false);
  good_for(20s);
  EXPECT_EQ(mx.accepted_around(now - 15s), false);
}

TEST(BetterMx, OfNobodyIsNeverKnownToAccept) { EXPECT_EQ(BetterMx(0, 10min, 25s).accepted_around(SteadyTime(1h)), false); }

TEST(Greets, ToldBySmtpServersThatAccept) {
  const auto server = [](std::string_view greeting) {
    return [greeting](int connection) {
      say(connection, greeting);
      EXPECT_EQ(hear_all(connection), greeting.starts_with("220") ? "QUIT\r\n" : "");
    };
  };
  LoopbackServer good(server("220 mx.example.net ESMTP\r\n"));
  EXPECT_TRUE(greets(good.endpoint(), 20s));
  good.stop();
  EXPECT_FALSE(greets(good.endpoint(), 20s));
  LoopbackServer busy(server("421 too busy\r\n"));
  EXPECT_FALSE(greets(busy.endpoint(), 20s));
  LoopbackServer closing([](int) {});
  EXPECT_FALSE(greets(closing.endpoint(), 20s));
  LoopbackServer silent([](int connection) { hear_all(connection); });
  EXPECT_FALSE(greets(silent.endpoint(), 50ms));
}

class LowPriorityTest : public TraplistTest {
 protected:
  static constexpr auto kOurs = "198.51.100.2";

  void SetUp() override {
    settings.low_priority_mx.addresses = {*Address::parse(kOurs), *Address::parse("2001:db8:ff::2")};
    settings.low_priority_mx.better = {{*Address::parse("198.51.100.1"), 25}};
    configure(settings, &better);
    local = *Address::parse(kOurs);
  }
  void heard(bool accepts) { better.heard(0, accepts, host.clock().steady()); }
  /// The better MX accepts for so long, and is asked every ten seconds.
  void good_for(std::chrono::seconds time) {
    for (auto left = time; left > 0s; left -= 10s) {
      after(10s);
      heard(true);
    }
  }
  /// A try, the question that follows it, another try.
  Verdict tries_twice(std::string_view client = kClient, std::string from = "a@example.org") {
    after(1s);
    EXPECT_TRUE(is_pass(to("bert@example.net", client, from)));
    after(1s);
    heard(true);
    return to("bert@example.net", client, from);
  }

  Config settings;
  BetterMx better{1, 10min, 25s};
};

TEST_F(LowPriorityTest, TrapsWhoComesAgainThoughABetterMxAccepts) {
  good_for(11min);
  const auto verdict = tries_twice();
  EXPECT_TRUE(is_defer(verdict));
  EXPECT_EQ(verdict.reason, "mail to bert@example.net at 198.51.100.2 while every better MX accepted connections");
  EXPECT_TRUE(is_trapped());
  EXPECT_EQ(hits("low_priority_mx"), 1u);
  local = *Address::parse("2001:db8:ff::2");
  EXPECT_TRUE(is_defer(tries_twice("2001:db8::7")));
}

TEST_F(LowPriorityTest, OnlySuspectsAtFirst) {
  good_for(11min);
  EXPECT_TRUE(is_pass(to("bert@example.net")));
  EXPECT_TRUE(is_pass(to("bert@example.net")));  // the better MX was not asked since
  EXPECT_FALSE(is_trapped());
}

TEST_F(LowPriorityTest, NeedsTheWholeTimeToBeProven) {
  EXPECT_TRUE(is_pass(tries_twice()));
  good_for(9min);
  EXPECT_TRUE(is_pass(tries_twice()));
  EXPECT_FALSE(is_trapped());
}

TEST_F(LowPriorityTest, LetsAloneWhoHasTriedABetterMx) {
  good_for(11min);
  local = *Address::parse("198.51.100.1");
  EXPECT_TRUE(is_pass(to("dora@example.net")));
  local = *Address::parse(kOurs);
  EXPECT_TRUE(is_pass(tries_twice()));
  good_for(24h);
  EXPECT_TRUE(is_defer(tries_twice()));
}

TEST_F(LowPriorityTest, LetsAloneWhiteClientsBouncesAndOtherAddresses) {
  good_for(11min);
  put(kWhite, "192.0.2.8", "greylist");
  EXPECT_TRUE(is_pass(tries_twice("192.0.2.8")));
  EXPECT_TRUE(is_pass(tries_twice(kClient, "")));
  local = *Address::parse("198.51.100.3");
  EXPECT_TRUE(is_pass(tries_twice("192.0.2.9")));
  local = Address();  // a front end that does not know
  EXPECT_TRUE(is_pass(tries_twice("192.0.2.10")));
  EXPECT_FALSE(is_trapped("192.0.2.8") || is_trapped() || is_trapped("192.0.2.9") || is_trapped("192.0.2.10"));
}

TEST_F(LowPriorityTest, KeepsNoSuspicionOfADryRun) {
  good_for(11min);
  after(1s);
  auto context = session(kClient, "a@example.org");
  context.set_dry(true);
  EXPECT_TRUE(is_pass(plugin->on_rcpt(context, "bert@example.net")));
  after(1s);
  heard(true);
  EXPECT_TRUE(is_pass(to("bert@example.net")));
}

// The better MX is a real server on loopback, asked as the plugin asks.
TEST_F(LowPriorityTest, TrapsNoneOfFiftyHonestSendersWhenThePrimaryDies) {
  LoopbackServer primary([](int connection) {
    say(connection, "220 mx1.example.net ESMTP\r\n");
    hear_all(connection);
  });
  MxProbe probe(
      {primary.endpoint()}, 10s, [](const Endpoint& endpoint) { return greets(endpoint, 20s); }, better, host.clock(),
      host.log());
  for (int i = 0; i < 66; ++i) {
    after(10s);
    probe.round();
  }
  const auto sender = [](int i) { return "203.0.113." + std::to_string(i); };
  after(1s);
  EXPECT_TRUE(is_pass(to("bert@example.net")));  // the last one before: no honest sender
  after(1s);
  probe.round();
  EXPECT_TRUE(is_defer(to("bert@example.net")));

  after(1s);
  primary.stop();
  for (int round = 0; round < 120; ++round) {  // twenty minutes: they try, and try again
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(is_pass(to("bert@example.net", sender(i)))) << i << " in round " << round;
    after(1s);
    probe.round();
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(is_pass(to("dora@example.net", sender(i)))) << i << " in round " << round;
    after(9s);
  }
  for (int i = 0; i < 50; ++i) EXPECT_FALSE(is_trapped(sender(i))) << i;
  EXPECT_EQ(host.log().count("traplist.better_mx_down"), 1u);
}

TEST_F(LowPriorityTest, AsksFromTheStart) {
  std::atomic<bool> asked = false;
  LoopbackServer primary([&](int connection) {
    asked = true;
    say(connection, "220 mx1.example.net ESMTP\r\n");
    hear_all(connection);
  });
  settings.low_priority_mx.better = {primary.endpoint()};
  configure(settings);
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (!asked && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  EXPECT_TRUE(asked);
  plugin.reset();
}

}  // namespace
}  // namespace deferd::traplist
