#include "greylist_fixture.h"

namespace deferd::greylist {
namespace {

class CommandTest : public GreylistTest {
 protected:
  static std::string text(const Value& row, std::string_view key) {
    const auto* value = row.find(key);
    return value == nullptr ? "(none)" : value->text();
  }
};

TEST_F(CommandTest, ListsTuplesOnePerRow) {
  attempt("192.0.2.7");
  after(1min);
  attempt("192.0.2.8");
  attempt("2001:db8::1", "", "c@example.net");
  const auto rows = *command("list-grey", {});
  ASSERT_EQ(rows.size(), 2U);
  const auto& row = text(rows[0], "client") == "192.0.2.8" ? rows[0] : rows[1];
  EXPECT_EQ(text(row, "client"), "192.0.2.8");
  EXPECT_EQ(text(row, "from"), "a@example.org");
  EXPECT_EQ(text(row, "to"), "b@example.net");
  EXPECT_EQ(text(row, "first"), "2026-01-01T00:00:00Z");
  EXPECT_EQ(text(row, "last"), "2026-01-01T00:01:00Z");
  EXPECT_EQ(text(row, "due"), "2026-01-01T00:05:00Z");
  EXPECT_EQ(text(row, "expires"), "2026-01-01T08:00:00Z");
  EXPECT_EQ(text(row, "state"), "waiting");
  EXPECT_EQ(row.find("tries")->integer(), 2);
}

TEST_F(CommandTest, TellsTheStateOfATuple) {
  attempt("192.0.2.7");
  after(5min);
  EXPECT_EQ(text((*command("list-grey", {}))[0], "state"), "due");
  attempt("192.0.2.7");
  EXPECT_EQ(text((*command("list-grey", {}))[0], "state"), "passed");
}

TEST_F(CommandTest, ListsMoreThanAPage) {
  Config config;
  config.quota.burst = 0;
  configure(config);
  for (int i = 0; i < 1234; ++i) attempt("192.0.2.7", kFrom, "u" + std::to_string(i) + "x@example.net");
  EXPECT_EQ(command("list-grey", {})->size(), 1234U);
}

TEST_F(CommandTest, ListingStopsWhenNobodyReads) {
  struct OneRow : Rows {
    bool row(const Value&) override { return ++rows < 1; }
    int rows = 0;
  } one;
  for (int i = 0; i < 10; ++i) attempt("192.0.2.7", kFrom, "u" + std::to_string(i) + "x@example.net");
  FakeContext context(host);
  ASSERT_TRUE(plugin->on_command(context, "list-grey", Value::map(), one));
  EXPECT_EQ(one.rows, 1);
}

TEST_F(CommandTest, ShowsWhatIsKnownOfAClient) {
  befriend("192.0.2.7");
  attempt("198.51.100.7");
  const auto rows = *command("show", {{"key", "192.0.2.7"}});
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(text(rows[0], "state"), "becoming known");
  EXPECT_EQ(text(rows[0], "domain"), "example.org");
  EXPECT_EQ(text(rows[1], "state"), "passed");
}

TEST_F(CommandTest, ShowsAConnection) {
  auto context = session("192.0.2.7");
  context.session().front_end = "smtp";
  plugin->on_disconnect(context);
  const auto rows = *command("show", {{"key", "192.0.2.7"}});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(text(rows[0], "state"), "connected");
  EXPECT_EQ(text(rows[0], "identity"), "192.0.2.0/24");
}

TEST_F(CommandTest, ShowsTuplesOfAMailAddress) {
  attempt("192.0.2.7");
  attempt("192.0.2.7", "c@example.org", "d@example.net");
  EXPECT_EQ(command("show", {{"key", "A@example.org"}})->size(), 1U);
  EXPECT_EQ(command("show", {{"key", "d@example.net"}})->size(), 1U);
  EXPECT_EQ(command("show", {{"key", "e@example.net"}})->size(), 0U);
}

TEST_F(CommandTest, ShowsExpectedMail) {
  command("expect", {{"to", kTo}, {"from_domain", "example.org"}, {"for", "15m"}});
  const auto rows = *command("show", {{"key", kTo}});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(text(rows[0], "state"), "expected");
  EXPECT_EQ(text(rows[0], "expires"), "2026-01-01T00:15:00Z");
}

TEST_F(CommandTest, ShowWantsAnAddress) { EXPECT_EQ(command("show", {{"key", "nobody"}}).error().code, Errc::invalid); }

TEST_F(CommandTest, DeleteMakesTheClientAStranger) {
  befriend("192.0.2.7");
  attempt("192.0.2.7", "c@example.org", "d@example.net");
  const auto rows = *command("delete", {{"client", "192.0.2.7"}});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].find("deleted")->integer(), 1);
  EXPECT_FALSE(white_row("192.0.2.7"));
  EXPECT_FALSE(passes("192.0.2.7"));
}

TEST_F(CommandTest, DeleteLeavesOthersAlone) {
  attempt("192.0.2.7");
  attempt("198.51.100.7");
  command("delete", {{"client", "192.0.2.7"}});
  after(5min);
  EXPECT_TRUE(passes("198.51.100.7"));
  EXPECT_FALSE(passes("192.0.2.7"));
}

TEST_F(CommandTest, DeleteOfAPrefixForgetsItsClients) {
  attempt("192.0.2.7");
  attempt("192.0.3.7");
  after(1min);
  EXPECT_EQ((*command("delete", {{"client", "192.0.2.0/24"}}))[0].find("deleted")->integer(), 1);
  after(4min);
  EXPECT_FALSE(passes("192.0.2.7"));
  EXPECT_TRUE(passes("192.0.3.7"));
}

TEST_F(CommandTest, DeleteOfAStrangerDeletesNothing) {
  EXPECT_EQ((*command("delete", {{"client", "192.0.2.7"}}))[0].find("deleted")->integer(), 0);
}

TEST_F(CommandTest, AReleasedTuplePassesAtItsNextTry) {
  attempt("192.0.2.7");
  ASSERT_TRUE(command("release", {{"client", "192.0.2.7"}, {"helo", "x"}, {"from", kFrom}, {"to", kTo}}));
  after(10s);
  const auto verdict = attempt("192.0.2.7");
  EXPECT_EQ(verdict.action, Action::pass);
  EXPECT_EQ(verdict.reason, "released by an operator");
  EXPECT_EQ(verdict.waited, 10s);
  EXPECT_TRUE(white_row("192.0.2.7"));
}

TEST_F(CommandTest, ATupleMayBeReleasedBeforeItIsSeen) {
  ASSERT_TRUE(command("release", {{"client", "192.0.2.7"}, {"from", ""}, {"to", kTo}}));
  EXPECT_TRUE(passes("192.0.2.7", ""));
}

TEST_F(CommandTest, AReleaseLastsOneWindow) {
  ASSERT_TRUE(command("release", {{"client", "192.0.2.7"}, {"from", kFrom}, {"to", kTo}}));
  after(8h);
  EXPECT_FALSE(passes("192.0.2.7"));
}

TEST_F(CommandTest, OneReleaseAfterADeletionCounts) {
  befriend("192.0.2.7");
  command("delete", {{"client", "192.0.2.7"}});
  ASSERT_TRUE(command("release", {{"client", "192.0.2.7"}, {"from", kFrom}, {"to", kTo}}));
  EXPECT_TRUE(passes("192.0.2.7"));
}

TEST_F(CommandTest, RefusesWrongArguments) {
  EXPECT_EQ(command("release", {{"client", "nobody"}, {"from", kFrom}, {"to", kTo}}).error().code, Errc::invalid);
  EXPECT_EQ(command("release", {{"client", "192.0.2.7"}, {"from", kFrom}}).error().code, Errc::invalid);
  EXPECT_EQ(command("delete", {}).error().code, Errc::invalid);
  EXPECT_EQ(command("expect", {{"to", kTo}}).error().code, Errc::invalid);
  EXPECT_EQ(command("expect", {{"to", kTo}, {"for", "8d"}}).error().code, Errc::invalid);
  EXPECT_EQ(command("expect", {{"to", kTo}, {"for", "0"}}).error().code, Errc::invalid);
  EXPECT_EQ(command("expect", {{"for", "15m"}}).error().code, Errc::invalid);
  EXPECT_EQ(command("expect", {{"to", std::string(1000, 'x')}, {"for", "15m"}}).error().code, Errc::invalid);
  EXPECT_EQ(command("expect", {{"to", kTo}, {"from_domain", std::string(300, 'x')}, {"for", "15m"}}).error().code, Errc::invalid);
}

TEST_F(CommandTest, DoesNotKnowOthersCommands) { EXPECT_EQ(command("fly", {}).error().code, Errc::not_found); }

TEST_F(CommandTest, PassesErrorsOfTheStoreOn) {
  host.break_store({Errc::unavailable, "the store is away"});
  for (const auto* name : {"list-grey", "show", "delete", "release", "expect"})
    EXPECT_EQ(
        command(name, {{"key", "192.0.2.7"}, {"client", "192.0.2.7"}, {"from", kFrom}, {"to", kTo}, {"for", "15m"}}).error().code,
        Errc::unavailable)
        << name;
}

}  // namespace
}  // namespace deferd::greylist
