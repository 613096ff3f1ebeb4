#include "example.h"

#include <gtest/gtest.h>

#include "deferd/testing/fake_host.h"

namespace deferd::example {
namespace {

using namespace std::chrono_literals;

class ExampleTest : public ::testing::Test {
 protected:
  ExampleTest() { context.session().client = *Address::parse("192.0.2.7"); }

  static Config config() {
    Config config;
    config.recipients = 2;
    config.remember = 24h;
    return config;
  }
  Action name_recipient() { return plugin.on_rcpt(context, "b@example.net").action; }
  Action name_three_recipients() {
    name_recipient();
    name_recipient();
    return name_recipient();
  }

  FakeHost host{"example"};
  Example plugin{config(), host};
  FakeContext context{host};
};

TEST_F(ExampleTest, DefersAStrangersRecipientsAboveTheLimit) {
  EXPECT_EQ(name_recipient(), Action::pass);
  EXPECT_EQ(name_recipient(), Action::pass);
  const auto verdict = plugin.on_rcpt(context, "c@example.net");
  EXPECT_EQ(verdict.action, Action::defer);
  EXPECT_EQ(verdict.reply.code, 452);
  EXPECT_EQ(verdict.reply.enhanced, "4.5.3");
  EXPECT_EQ(verdict.tags, std::vector<std::string>{"example.many-recipients"});
  EXPECT_EQ(host.count("deferd_example_deferred_total"), 1u);
}

TEST_F(ExampleTest, CountsEachMessageAnew) {
  EXPECT_EQ(name_three_recipients(), Action::defer);
  context.next_transaction("a@example.org");
  EXPECT_EQ(name_recipient(), Action::pass);
}

TEST_F(ExampleTest, SetsNoLimitToAClientWhoseMessageWasAccepted) {
  plugin.on_accepted(context);
  EXPECT_EQ(name_three_recipients(), Action::pass);
}

TEST_F(ExampleTest, KnowsClientsByTheirAddress) {
  plugin.on_accepted(context);
  context.session().client = *Address::parse("192.0.2.8");
  EXPECT_EQ(name_three_recipients(), Action::defer);
}

TEST_F(ExampleTest, ForgetsAClientAfterTheTimeItRemembers) {
  plugin.on_accepted(context);
  host.clock().advance(24h - 1s);
  EXPECT_EQ(name_three_recipients(), Action::pass);
  host.clock().advance(1s);
  EXPECT_EQ(name_recipient(), Action::defer);
}

TEST_F(ExampleTest, CountsNothingInADryRun) {
  context.set_dry(true);
  EXPECT_EQ(name_three_recipients(), Action::defer);
  EXPECT_EQ(host.count("deferd_example_deferred_total"), 0u);
}

// What a hook throws is logged and counted by the host, and the mail goes on as `on_error` says.
TEST_F(ExampleTest, LeavesABrokenStoreToTheHost) {
  host.break_store({Errc::unavailable, "the store is away"});
  name_recipient();
  name_recipient();
  EXPECT_THROW(name_recipient(), ErrorException);
}

TEST_F(ExampleTest, RefusesALimitOfNoRecipients) {
  Value settings = Value::map();
  settings.set("recipients", "0");
  EXPECT_THROW(read_or_throw<Config>(settings), ConfigError);
}

}  // namespace
}  // namespace deferd::example
