#include "deferd/testing/fake_host.h"

#include <gtest/gtest.h>

#include <array>

namespace deferd {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, 1> kKeys = {"key"};

Result<void> put(Store& store, std::string value, Time expires) {
  const Change change{.key = "key", .value = std::move(value), .expires = expires, .expected = {}};
  return store.commit("group", {&change, 1});
}

TEST(FakeClock, StartsWith2026AndMovesBothTimes) {
  FakeClock clock;
  EXPECT_EQ(format_time(clock.now()), "2026-01-01T00:00:00Z");
  const auto steady = clock.steady();
  clock.advance(90s);
  EXPECT_EQ(format_time(clock.now()), "2026-01-01T00:01:30Z");
  EXPECT_EQ(clock.steady() - steady, 90s);
}

TEST(FakeClock, SettingTheTimeLeavesTheSteadyOneAlone) {
  FakeClock clock;
  const auto steady = clock.steady();
  clock.set(clock.now() - 24h);
  EXPECT_EQ(format_time(clock.now()), "2025-12-31T00:00:00Z");
  EXPECT_EQ(clock.steady(), steady);
}

TEST(FakeClock, AddsUpPartsOfASecond) {
  FakeClock clock;
  const auto start = clock.now();
  clock.advance(600ms);
  EXPECT_EQ(clock.now(), start);
  clock.advance(600ms);
  EXPECT_EQ(clock.now(), start + 1s);
}

TEST(FakeHost, CountsByNameAndLabels) {
  FakeHost host;
  host.counter("deferd_x_total", {{"answer", "pass"}, {"kind", "a"}}, "help").add(2);
  host.counter("deferd_x_total", {{"answer", "defer"}, {"kind", "a"}}, "help").add();
  EXPECT_EQ(host.count("deferd_x_total"), 3u);
  EXPECT_EQ(host.count("deferd_x_total", {{"answer", "pass"}}), 2u);
  EXPECT_EQ(host.count("deferd_x_total", {{"kind", "a"}, {"answer", "defer"}}), 1u);
}

TEST(FakeHost, GivesOneCounterForOneNameAndLabels) {
  FakeHost host;
  auto& first = host.counter("deferd_x_total", {{"a", "1"}, {"b", "2"}}, "help");
  EXPECT_EQ(&host.counter("deferd_x_total", {{"b", "2"}, {"a", "1"}}, "help"), &first);
}

TEST(FakeHost, AMisspeltCounterIsNoZero) {
  FakeHost host;
  host.counter("deferd_x_total", {}, "help");
  EXPECT_THROW(host.count("deferd_y_total"), std::out_of_range);
  EXPECT_THROW(host.count("deferd_x_total", {{"answer", "pass"}}), std::out_of_range);
}

TEST(FakeHost, KeepsWhatIsKeptByName) {
  FakeHost host;
  host.kept("list") = std::make_shared<int>(7);
  EXPECT_EQ(*std::static_pointer_cast<int>(host.kept("list")), 7);
  EXPECT_EQ(host.kept("other"), nullptr);
}

TEST(FakeHost, RecordsExpireByItsClock) {
  FakeHost host;
  ASSERT_TRUE(put(host.store(), "value", host.clock().now() + 1h));
  EXPECT_EQ(host.store().read("group", kKeys)->front().value, "value");
  host.clock().advance(1h);
  EXPECT_EQ(host.store().read("group", kKeys)->front().value, std::nullopt);
}

TEST(FakeHost, ABrokenStoreKeepsItsRecords) {
  FakeHost host;
  ASSERT_TRUE(put(host.store(), "value", host.clock().now() + 1h));
  host.break_store({Errc::io, "disk full"});
  EXPECT_EQ(host.store().read("group", kKeys).error().what, "disk full");
  EXPECT_EQ(put(host.store(), "other", host.clock().now() + 1h).error().code, Errc::io);
  EXPECT_EQ(host.tables().find(kWhite, Address{}).error().code, Errc::io);
  host.mend_store();
  EXPECT_EQ(host.store().read("group", kKeys)->front().value, "value");
}

TEST(FakeHost, RunsProgramsUntilThatIsBroken) {
  FakeHost host;
  Command command;
  command.words = {"true"};
  EXPECT_TRUE(host.commands().start(command));
  host.break_commands({Errc::unavailable, "away"});
  EXPECT_EQ(host.commands().start(command).error().what, "away");
  host.mend_commands();
  EXPECT_TRUE(host.commands().start(command));
}

TEST(FakeLog, IsSearchedByWhatALineHolds) {
  FakeHost host;
  host.log().warning("x.full", {{"client", "192.0.2.7"}, {"count", 3}});
  EXPECT_TRUE(host.log().contains("warning x.full client=192.0.2.7 count=3"));
  EXPECT_FALSE(host.log().contains("error"));
  host.log().clear();
  EXPECT_TRUE(host.log().lines().empty());
}

TEST(FakeContext, TheNextTransactionForgetsTheEnvelopeAndTheSlot) {
  FakeHost host;
  FakeContext context(host);
  context.state<int>() = 7;
  context.session().rcpt_to = {"b@example.net"};
  context.next_transaction("c@example.org");
  EXPECT_EQ(context.state<int>(), 0);
  EXPECT_EQ(context.session().mail_from, "c@example.org");
  EXPECT_TRUE(context.session().rcpt_to.empty());
  EXPECT_EQ(context.session().client.to_string(), "192.0.2.7");
}

}  // namespace
}  // namespace deferd
