#include "tarpit.h"

#include <gtest/gtest.h>

#include "deferd/testing/fake_host.h"

namespace deferd::tarpit {
namespace {

using namespace std::chrono_literals;

constexpr Pace kAtOnce{};
const Pace kAsAStranger{.per_byte = 1s, .during = 10s};
const Pace kAsIfHeld{.per_byte = 1s};  // slow to the end, though nobody has turned it away yet
const Pace kHeld{.per_byte = 1s, .hold = true};

Decision nobody_objects(Stage stage) {
  Decision decision;
  decision.stage = stage;
  return decision;
}
Decision deferred(Stage stage) {
  Decision decision = nobody_objects(stage);
  decision.verdict = Verdict::defer({451, "4.7.1", "later"}, "test");
  return decision;
}
Decision accepted(Stage stage) {
  Decision decision = nobody_objects(stage);
  decision.verdict = Verdict::accept("test");
  return decision;
}

class TarpitTest : public ::testing::Test {
 protected:
  TarpitTest() {
    context.session().client = *Address::parse("192.0.2.7");
    context.session().front_end = "smtp";
  }
  void configure(Config config) { plugin = std::make_unique<Tarpit>(std::move(config), host); }
  void put(std::string_view table, std::string_view prefix) {
    TableRow row;
    row.prefix = *Prefix::parse(prefix);
    row.added = host.clock().now();
    row.expires = host.clock().now() + 24h;
    or_throw(host.tables().put(table, row));
  }
  Pace pace(const Decision& decision) { return plugin->on_reply(context, decision); }
  std::uint64_t slowed(std::string_view how) { return host.count("deferd_tarpit_slowed_total", {{"how", how}}); }

  FakeHost host{"tarpit"};
  std::unique_ptr<Tarpit> plugin = std::make_unique<Tarpit>(Config{}, host);
  FakeContext context{host};
};

TEST_F(TarpitTest, StuttersStrangersFromTheBannerOn) {
  for (const auto stage : {Stage::connect, Stage::helo, Stage::mail}) EXPECT_EQ(pace(nobody_objects(stage)), kAsAStranger);
  EXPECT_EQ(pace(deferred(Stage::rcpt)), kAsAStranger);
  EXPECT_EQ(pace(deferred(Stage::data)), kAsAStranger);
  EXPECT_EQ(slowed("stuttered"), 5u);
  EXPECT_EQ(slowed("held"), 0u);
}

TEST_F(TarpitTest, AnswersAtOnceWhoeverPasses) {
  for (const auto stage : {Stage::rcpt, Stage::data, Stage::headers}) EXPECT_EQ(pace(nobody_objects(stage)), kAtOnce);
  for (const auto stage : {Stage::connect, Stage::mail, Stage::rcpt}) EXPECT_EQ(pace(accepted(stage)), kAtOnce);
  EXPECT_EQ(slowed("stuttered"), 0u);
}

TEST_F(TarpitTest, AnswersWhiteClientsAtOnceFromTheBannerOn) {
  put(kWhite, "192.0.2.0/24");
  EXPECT_EQ(pace(nobody_objects(Stage::connect)), kAtOnce);
  EXPECT_EQ(pace(nobody_objects(Stage::mail)), kAtOnce);
  EXPECT_EQ(pace(deferred(Stage::rcpt)), kAtOnce);
}

TEST_F(TarpitTest, HoldsTaggedClientsThatAreTurnedAway) {
  for (const auto* tag : {"blacklist.hit", "listed", "traplist.hit"}) {
    context.next_transaction("a@example.org");
    context.session().tags = {tag};
    EXPECT_EQ(pace(nobody_objects(Stage::connect)), kAsIfHeld) << tag;
    EXPECT_EQ(pace(deferred(Stage::connect)), kHeld) << tag;
    EXPECT_EQ(pace(deferred(Stage::rcpt)), kHeld) << tag;
  }
  EXPECT_EQ(slowed("held"), 9u);
  EXPECT_EQ(slowed("stuttered"), 0u);
}

TEST_F(TarpitTest, HoldsTrappedClientsEvenIfTheyAreWhite) {
  put(kTrapped, "192.0.2.7");
  put(kWhite, "192.0.2.7");
  EXPECT_EQ(pace(nobody_objects(Stage::connect)), kAsIfHeld);
  EXPECT_EQ(pace(deferred(Stage::rcpt)), kHeld);
}

TEST_F(TarpitTest, LetsAHeldClientGoWhereARuleAcceptsIt) {
  context.session().tags = {"blacklist.hit"};
  EXPECT_EQ(pace(deferred(Stage::rcpt)), kHeld);
  EXPECT_EQ(pace(accepted(Stage::rcpt)), kAtOnce);  // the next recipient: postmaster
}

TEST_F(TarpitTest, RemembersATagOfOneRecipientToTheEndOfTheMessage) {
  context.session().tags = {"traplist.hit"};
  EXPECT_EQ(pace(deferred(Stage::rcpt)), kHeld);
  context.session().tags.clear();
  EXPECT_EQ(pace(deferred(Stage::data)), kHeld);
  context.next_transaction("a@example.org");
  EXPECT_EQ(pace(deferred(Stage::rcpt)), kAsAStranger);
}

TEST_F(TarpitTest, LooksUpAClientOnceAMessage) {
  EXPECT_EQ(pace(nobody_objects(Stage::mail)), kAsAStranger);
  put(kWhite, "192.0.2.7");
  EXPECT_EQ(pace(deferred(Stage::rcpt)), kAsAStranger);
  context.next_transaction("a@example.org");
  EXPECT_EQ(pace(nobody_objects(Stage::mail)), kAtOnce);
}

TEST_F(TarpitTest, DoesAsItsSettingsSay) {
  configure({.hold = {.tags = {"smtp.early-talker"}, .tables = {}, .per_byte = 2s},
             .strangers = {.per_byte = 500ms, .during = 0s},
             .delay = 3s});
  put(kTrapped, "192.0.2.7");
  EXPECT_EQ(pace(nobody_objects(Stage::connect)), Pace{.per_byte = 500ms});
  EXPECT_EQ(pace(deferred(Stage::rcpt)), (Pace{.delay = 3s, .per_byte = 500ms}));
  context.session().tags = {"smtp.early-talker"};
  EXPECT_EQ(pace(deferred(Stage::rcpt)), (Pace{.delay = 3s, .per_byte = 2s, .hold = true}));
}

TEST_F(TarpitTest, StuttersNoStrangersIfToldSoButStillHolds) {
  Config config;
  config.strangers.per_byte = 0s;
  configure(config);
  EXPECT_EQ(pace(nobody_objects(Stage::connect)), kAtOnce);
  EXPECT_EQ(pace(deferred(Stage::rcpt)), kAtOnce);
  context.session().tags = {"listed"};
  EXPECT_EQ(pace(deferred(Stage::rcpt)), kHeld);
}

TEST_F(TarpitTest, OnlyDelaysInAMilterAndOnlyIfToldSo) {
  context.session().front_end = "milter";
  context.session().tags = {"blacklist.hit"};
  EXPECT_EQ(pace(deferred(Stage::rcpt)), kAtOnce);
  Config config;
  config.delay = 2s;
  configure(config);
  EXPECT_EQ(pace(deferred(Stage::rcpt)), Pace{.delay = 2s});
  EXPECT_EQ(pace(nobody_objects(Stage::mail)), kAtOnce);
  EXPECT_EQ(pace(nobody_objects(Stage::rcpt)), kAtOnce);
  EXPECT_EQ(slowed("delayed"), 1u);
}

TEST_F(TarpitTest, LooksNothingUpInAMilter) {
  context.session().front_end = "milter";
  host.break_store({Errc::unavailable, "the store is away"});
  EXPECT_EQ(pace(deferred(Stage::rcpt)), kAtOnce);
}

// What a hook throws is logged and counted by the host, and the client is answered at once.
TEST_F(TarpitTest, LeavesABrokenStoreToTheHost) {
  host.break_store({Errc::unavailable, "the store is away"});
  EXPECT_THROW(pace(nobody_objects(Stage::connect)), ErrorException);
  EXPECT_EQ(pace(nobody_objects(Stage::rcpt)), kAtOnce);
}

TEST_F(TarpitTest, CountsNothingInADryRun) {
  context.set_dry(true);
  EXPECT_EQ(pace(deferred(Stage::rcpt)), kAsAStranger);
  context.session().tags = {"listed"};
  EXPECT_EQ(pace(deferred(Stage::rcpt)), kHeld);
  EXPECT_EQ(slowed("stuttered") + slowed("held"), 0u);
}

TEST(TarpitConfig, RefusesToHoldWhiteClientsAndWhatIsNoWord) {
  const auto hold = [](std::string_view key, std::string_view item) {
    Value items = Value::list();
    items.append(std::string(item));
    Value settings = Value::map();
    settings.set(std::string(key), std::move(items));
    Value config = Value::map();
    config.set("hold", std::move(settings));
    read_or_throw<Config>(config);
  };
  EXPECT_THROW(hold("tables", "white"), ConfigError);
  EXPECT_THROW(hold("tables", ""), ConfigError);
  EXPECT_THROW(hold("tags", "two words"), ConfigError);
  EXPECT_NO_THROW(hold("tags", "one-word"));
  EXPECT_NO_THROW(hold("tables", "trapped"));
}

}  // namespace
}  // namespace deferd::tarpit
