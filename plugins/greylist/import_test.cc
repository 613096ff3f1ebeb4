// Tuples of other greylisters: what they are worth here.
#include "greylist_fixture.h"

namespace deferd::greylist {
namespace {

class ImportTest : public GreylistTest {
 protected:
  std::string at(Duration after) { return std::to_string((host.clock().now() + after).time_since_epoch().count()); }
  /// added, kept, expired
  std::string take_over(std::vector<std::string> fields, bool dry = false) {
    Value row = Value::list();
    for (auto& field : fields) row.append(std::move(field));
    Value args = Value::map();
    args.set("dry", dry);
    args.set("rows", Value::list()).append(std::move(row));
    FakeContext context(host);
    FakeRows rows;
    or_throw(plugin->on_command(context, "import-grey", args, rows));
    return rows.rows.at(0).to_json();
  }
  static constexpr auto kAdded = R"({"added":1,"kept":0,"expired":0})";
  static constexpr auto kKept = R"({"added":0,"kept":1,"expired":0})";
  static constexpr auto kExpired = R"({"added":0,"kept":0,"expired":1})";
};

TEST_F(ImportTest, WaitingGoesOnWhereItWas) {
  EXPECT_EQ(take_over({"192.0.2.7", "mx", "A@Example.org", kTo, at(-4min), at(4h), at(4h), "1"}), kAdded);
  EXPECT_FALSE(passes("192.0.2.7"));
  after(1min);
  EXPECT_TRUE(passes("192.0.2.7"));
}

TEST_F(ImportTest, WhatHadPassedPasses) {
  EXPECT_EQ(take_over({"192.0.2.7", "", kFrom, kTo, at(-1h), at(-30min), at(4h), "3"}), kAdded);
  EXPECT_TRUE(passes("192.0.2.7"));
  EXPECT_TRUE(white_row("192.0.2.7"));
}

TEST_F(ImportTest, IsTheSameEachTime) {
  const std::vector<std::string> row = {"192.0.2.7", "", kFrom, kTo, at(-4min), at(4h), at(4h), "1"};
  EXPECT_EQ(take_over(row, true), kAdded);
  EXPECT_EQ(records(), 0u);
  EXPECT_EQ(take_over(row), kAdded);
  EXPECT_EQ(take_over(row), kKept);
  EXPECT_EQ(take_over({"192.0.2.7", "", kFrom, kTo, at(-4min), at(1h), at(1h), "1"}), kKept);
  EXPECT_EQ(take_over({"192.0.2.8", "", kFrom, "x@example.net", at(-8h), at(0s), at(0s), "1"}), kExpired);
}

TEST_F(ImportTest, AddsToWhatIsKnownAndTakesNothingFromIt) {
  attempt("192.0.2.7");
  after(5min);
  EXPECT_TRUE(passes("192.0.2.7"));
  const auto known = (*command("list-grey", {}))[0];
  EXPECT_EQ(take_over({"192.0.2.9", "", kFrom, kTo, at(-2h), at(4h), at(24h * 40), "7"}), kAdded);  // of the same network
  const auto both = (*command("list-grey", {}))[0];
  EXPECT_EQ(both.find("state")->text(), "passed");
  EXPECT_EQ(both.find("passed")->text(), known.find("passed")->text());
  EXPECT_EQ(both.find("client")->text(), "192.0.2.7");
  EXPECT_EQ(both.find("tries")->integer(), 7);
  EXPECT_EQ(both.find("first")->text(), "2025-12-31T22:05:00Z");
  EXPECT_NE(both.find("expires")->text(), known.find("expires")->text());
  EXPECT_EQ(take_over({"192.0.2.9", "", kFrom, kTo, at(-2h), at(4h), at(24h * 40), "7"}), kKept);
  EXPECT_TRUE(passes("192.0.2.7"));
}

TEST_F(ImportTest, ShortensAWaitingAndNeverLengthensIt) {
  attempt("192.0.2.7");
  EXPECT_EQ(take_over({"192.0.2.7", "", kFrom, kTo, at(-4min), at(4h), at(4h), "1"}), kAdded);
  EXPECT_FALSE(passes("192.0.2.7"));
  after(1min);
  EXPECT_TRUE(passes("192.0.2.7"));

  attempt("198.51.100.7");
  after(4min);
  // Its window is over here, though not where it comes from.
  EXPECT_EQ(take_over({"198.51.100.7", "", kFrom, kTo, at(-20h), at(28h), at(28h), "1"}), kAdded);
  after(1min);
  EXPECT_TRUE(passes("198.51.100.7"));
}

TEST_F(ImportTest, IsListedAsItCame) {
  take_over({"192.0.2.7", "", kFrom, kTo, at(-1h), at(-30min), at(4h), "3"});
  const auto rows = *command("list-grey", {});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].find("first")->text(), "2025-12-31T23:00:00Z");
  EXPECT_EQ(rows[0].find("passed")->text(), "2025-12-31T23:30:00Z");
  EXPECT_EQ(rows[0].find("expires")->text(), "2026-01-01T04:00:00Z");
  EXPECT_EQ(rows[0].find("tries")->integer(), 3);
  EXPECT_EQ(rows[0].find("state")->text(), "passed");
}

TEST_F(ImportTest, KeepsHeloAndLettersForProfileSpamd) {
  Config config;
  config.profile = "spamd";
  configure(config);
  take_over({"192.0.2.7", "mx.example.org", "A@example.org", kTo, at(-1h), at(3h), at(3h), "1"});
  auto context = session("192.0.2.7", "A@example.org");
  context.session().helo = "mx.example.org";
  EXPECT_EQ(plugin->on_rcpt(context, kTo).reason, "retried; passes from the next try on");
}

TEST_F(ImportTest, RefusesWhatMakesNoSense) {
  EXPECT_THROW(take_over({"nobody", "", kFrom, kTo, at(0s), at(1h), at(1h), "1"}), ErrorException);
  EXPECT_THROW(take_over({"192.0.2.7", "", kFrom, kTo, "soon", at(1h), at(1h), "1"}), ErrorException);
  EXPECT_THROW(take_over({"192.0.2.7"}), ErrorException);
  EXPECT_FALSE(command("import-grey", {}));
}

TEST_F(ImportTest, GivesUpOneTupleAtATime) {
  attempt("192.0.2.7");
  attempt("192.0.2.7", kFrom, "x@example.net");
  EXPECT_EQ((*command("delete-grey", {{"client", "192.0.2.7"}}))[0].to_json(), R"({"deleted":1})");
  EXPECT_EQ(command("list-grey", {})->size(), 1u);
  EXPECT_EQ((*command("delete-grey", {{"client", "192.0.2.7"}}))[0].to_json(), R"({"deleted":1})");
  EXPECT_EQ((*command("delete-grey", {{"client", "192.0.2.7"}}))[0].to_json(), R"({"deleted":0})");
  EXPECT_FALSE(command("delete-grey", {{"client", "x"}}));
}

}  // namespace
}  // namespace deferd::greylist
