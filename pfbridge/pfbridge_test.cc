// The plugin: who gets a lease, and what operators ask.
#include "pfbridge/pfbridge.h"

#include <gtest/gtest.h>

#include "deferd/testing/fake_host.h"

namespace deferd::pfbridge {
namespace {

using namespace std::chrono_literals;

class PfBridgeTest : public testing::Test {
 protected:
  PfBridgeTest() {
    config.helper = Value("unix:/nowhere/to/be/found");
    context.session().front_end = "smtp";
    decision.trace.push_back(answer("greylist", "error: disk full"));
  }
  static Answer answer(std::string plugin, std::string fault) {
    Answer answer;
    answer.plugin = std::move(plugin);
    answer.fault = std::move(fault);
    return answer;
  }
  /// How many leases come of one decision.
  std::size_t leases() {
    PfBridge plugin(config, host);
    plugin.on_decided(context, decision);
    plugin.runner().lease(*Address::parse("198.51.100.99"), 10min);  // when this one was given, so was that
    for (int i = 0; i < 4'000 && !host.log().contains("client=198.51.100.99"); ++i) std::this_thread::sleep_for(5ms);
    EXPECT_TRUE(host.log().contains("client=198.51.100.99"));
    return host.log().count("pfbridge.lease client=192.0.2.7");
  }

  FakeHost host{"pfbridge"};
  FakeContext context{host};
  Config config;
  Decision decision;
};

TEST_F(PfBridgeTest, LeasesToAClientThatNobodyCouldJudge) { EXPECT_EQ(leases(), 1u); }

TEST_F(PfBridgeTest, LeasesToNobodyBehindAMilter) {
  context.session().front_end = "milter";
  EXPECT_EQ(leases(), 0u);
}

TEST_F(PfBridgeTest, LeasesToNobodyWhoWasJudged) {
  decision.trace = {answer("greylist", "")};
  EXPECT_EQ(leases(), 0u);
}

TEST_F(PfBridgeTest, LeasesToNobodyWhomAPluginTurnedAway) {
  decision.verdict = Verdict::defer({450, "4.7.1", "Later"}, "listed");
  EXPECT_EQ(leases(), 0u);
}

TEST_F(PfBridgeTest, LeasesToNobodyWhoWasAccepted) {
  decision.verdict = Verdict::accept("postmaster");
  EXPECT_EQ(leases(), 0u);
}

TEST_F(PfBridgeTest, LeasesToNobodyBecauseAShadowFails) {
  decision.trace.front().shadow = true;
  EXPECT_EQ(leases(), 0u);
}

TEST_F(PfBridgeTest, LeasesToNobodyWhenOnlyAsked) {
  context.set_dry(true);
  EXPECT_EQ(leases(), 0u);
}

TEST_F(PfBridgeTest, LeasesToNobodyIfSwitchedOff) {
  config.lease = 0s;
  EXPECT_EQ(leases(), 0u);
}

TEST_F(PfBridgeTest, AnswersOperators) {
  PfBridge plugin(config, host);
  FakeRows rows;
  ASSERT_TRUE(plugin.on_command(context, "bridge", Value::map(), rows));
  ASSERT_EQ(rows.rows.size(), 1u);
  EXPECT_EQ(rows.rows[0].find("helper")->text(), "unix:/nowhere/to/be/found");
  for (const char* command : {"bridge-adopt", "bridge-reconcile"})
    EXPECT_TRUE(plugin.on_command(context, command, Value::map(), rows));
  EXPECT_EQ(plugin.on_command(context, "lists", Value::map(), rows).error().code, Errc::not_found);
}

}  // namespace
}  // namespace deferd::pfbridge
