// The trap at the MX of the lowest priority, and above all when it does not spring.
#include <map>

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

/// A server that takes mail, but for what `replies` says of one command: "MAIL" -> "452 full". The greeting is that of "".
LoopbackServer::Talk mail_server(std::map<std::string, std::string> replies = {}) {
  return [replies](int connection) {
    const auto reply = [&](const std::string& command, const std::string& usual) {
      const auto other = replies.find(command);
      say(connection, (other == replies.end() ? usual : other->second) + "\r\n");
    };
    reply("", "220 mx1.example.net ESMTP");
    for (auto line = hear_line(connection); !line.empty(); line = hear_line(connection)) {
      if (line.starts_with("EHLO [127.0.0.1]"))
        reply("EHLO", "250-mx1.example.net\r\n250 PIPELINING");
      else if (line == "MAIL FROM:<>\r\n")
        reply("MAIL", "250 2.1.0 Ok");
      else if (line == "QUIT\r\n")
        return reply("QUIT", "221 Bye");
      else
        ADD_FAILURE() << line;
    }
  };
}

bool takes_mail_with(std::map<std::string, std::string> replies) {
  LoopbackServer server(mail_server(std::move(replies)));
  return takes_mail(server.endpoint(), 20s);
}

TEST(TakesMail, IsToldByServersThatAcceptASender) {
  EXPECT_TRUE(takes_mail_with({}));
  EXPECT_TRUE(takes_mail_with({{"", "220-mx1.example.net\r\n220 ESMTP"}}));
  EXPECT_FALSE(takes_mail_with({{"", "421 too busy"}}));
  EXPECT_FALSE(takes_mail_with({{"EHLO", "421 too busy"}}));
  EXPECT_FALSE(takes_mail_with({{"EHLO", "502 what?"}}));
  EXPECT_FALSE(takes_mail_with({{"MAIL", "452 4.3.1 Insufficient system storage"}}));
  EXPECT_FALSE(takes_mail_with({{"MAIL", "521 no mail here"}}));
  EXPECT_FALSE(takes_mail_with({{"MAIL", "354 nonsense"}}));
}

TEST(TakesMail, IsNotToldByServersThatSayNothing) {
  LoopbackServer gone(mail_server());
  gone.stop();
  EXPECT_FALSE(takes_mail(gone.endpoint(), 20s));
  LoopbackServer closing([](int) {});
  EXPECT_FALSE(takes_mail(closing.endpoint(), 20s));
  LoopbackServer silent([](int connection) { hear_all(connection); });
  EXPECT_FALSE(takes_mail(silent.endpoint(), 50ms));
}

class MxProbeTest : public ::testing::Test {
 protected:
  template <class Done>
  static void wait_until(Done done) {
    const auto end = std::chrono::steady_clock::now() + 30s;
    while (!done() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    EXPECT_TRUE(done());
  }
  static constexpr Endpoint kNowhere{};
  FakeHost host{"traplist"};
  BetterMx better{2, 10min, 25s};
};

TEST_F(MxProbeTest, EndsWhileAServerKeepsItWaiting) {
  std::atomic<bool> asked = false;
  LoopbackServer silent([&](int connection) {
    asked = true;
    hear_all(connection);
  });
  const auto ask = [](const Endpoint& endpoint, const std::stop_token& stop) { return takes_mail(endpoint, 10min, stop); };
  std::optional<MxProbe> probe;
  probe.emplace(std::vector{silent.endpoint(), silent.endpoint()}, 10min, ask, better, host.clock(), host.log());
  probe->start();
  wait_until([&] { return asked.load(); });
  const auto begun = std::chrono::steady_clock::now();
  probe.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 1min);
  EXPECT_EQ(host.log().count("traplist.better_mx_down"), 0u);  // what was broken off tells nothing
}

TEST_F(MxProbeTest, RestsForASecondHoweverOftenItIsToAsk) {
  std::mutex mutex;
  std::vector<std::chrono::steady_clock::time_point> rounds;
  const auto ask = [&](const Endpoint&, const std::stop_token&) {
    const std::lock_guard lock(mutex);
    rounds.push_back(std::chrono::steady_clock::now());
    return true;
  };
  MxProbe probe({kNowhere}, 10min, ask, better, host.clock(), host.log());
  probe.start();
  wait_until([&] {
    probe.ask_now();
    const std::lock_guard lock(mutex);
    return rounds.size() >= 2;
  });
  const std::lock_guard lock(mutex);
  EXPECT_GE(rounds.at(1) - rounds.at(0), 1s);
}

TEST(LowPriority, SweepsItsSuspectsOnceAMinute) {
  const LowPriorityConfig config;
  BetterMx better(1, 10min, 1000h);
  SteadyTime now{1h};
  better.heard(0, true, now);
  LowPriority suspects(config, better, [] {});
  std::uint32_t next = 0;
  const auto suspect = [&](int count) {
    for (int i = 0; i < count; ++i) ASSERT_EQ(suspects.judge(Address::v4(next++), now, false), LowPriority::Finding::suspected);
  };
  now += 1h;
  suspect(10'000);
  now += 30s;
  suspect(10'000);
  now += 24h - 30s;  // the first half is over
  suspect(1);
  EXPECT_EQ(suspects.suspects(), 10'001u);
  suspect(9'999);
  now += 30s;  // and the second; but one has just looked
  suspect(1);
  EXPECT_EQ(suspects.suspects(), 20'000u);
  now += 30s;
  suspect(1);
  EXPECT_LT(suspects.suspects(), 11'000u);
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

TEST_F(LowPriorityTest, LetsAloneWhoWasTurnedAwayByABetterMxBeforeRcpt) {
  good_for(11min);
  local = *Address::parse("198.51.100.1");
  auto context = session(kClient, "");
  plugin->on_disconnect(context);
  local = *Address::parse(kOurs);
  EXPECT_TRUE(is_pass(tries_twice()));
  auto other = session("192.0.2.8", "");
  plugin->on_disconnect(other);  // here, which proves nothing
  EXPECT_TRUE(is_defer(tries_twice("192.0.2.8")));
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
  LoopbackServer primary(mail_server());
  const auto ask = [](const Endpoint& endpoint, const std::stop_token& stop) { return takes_mail(endpoint, 20s, stop); };
  MxProbe probe({primary.endpoint()}, 10s, ask, better, host.clock(), host.log());
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
    mail_server()(connection);
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
