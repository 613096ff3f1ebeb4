// The routes, asked over a real socket.
#include "control/control_fixture.h"
#include "store/engine.h"
#include "support/many.h"

namespace deferd {
namespace {

using namespace std::chrono_literals;

TEST_F(ControlTest, StatusTellsOfDaemonStoreAndClock) {
  serve();
  clock_.advance(90s);
  const Reply reply = ask("GET", "/v1/status");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(at(reply.json, "version"), "1.2.3");
  EXPECT_EQ(at(reply.json, "uptime"), "90");
  EXPECT_EQ(at(reply.json, "time"), "2026-01-01T00:01:30Z");
  EXPECT_EQ(at(reply.json, "store.engine"), "memory");
  EXPECT_EQ(at(reply.json, "store.state"), "ok");
}

TEST_F(ControlTest, ListsATableARowALine) {
  serve();
  EXPECT_TRUE(lines("/v1/tables/white").empty());
  put_white("192.0.2.7", "retry of \"a\"\n");
  const auto rows = lines("/v1/tables/white");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(at(rows[0], "prefix"), "192.0.2.7");
  EXPECT_EQ(at(rows[0], "source"), "greylist");
  EXPECT_EQ(at(rows[0], "evidence"), "retry of \"a\"\n");
  EXPECT_EQ(at(rows[0], "expires"), "2026-02-06T00:00:00Z");
  EXPECT_TRUE(lines("/v1/tables/trapped").empty());
}

TEST_F(ControlTest, ListsALargeTableWhole) {
  constexpr std::uint32_t kRows = many(100'000);
  for (std::uint32_t i = 0; i < kRows; ++i) {
    TableRow row;
    row.prefix = Prefix(Address::v4(0x0a000000 + i));
    row.added = clock_.now();
    row.expires = clock_.now() + 24h;
    row.source = "greylist";
    ASSERT_TRUE(engine_->tables().put(kWhite, row));
  }
  serve();
  std::size_t rows = 0, most = 0;
  auto answer = http_call(socket, {"GET", "/v1/tables/white", {}, 60s}, [&](std::string_view piece) {
    rows += static_cast<std::size_t>(std::count(piece.begin(), piece.end(), '\n'));
    most = std::max(most, piece.size());
    return true;
  });
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(rows, kRows);
  EXPECT_LE(most, 64u * 1024);
}

TEST_F(ControlTest, AddsWhiteInTheOperatorsName) {
  serve();
  const Reply reply = ask("PUT", "/v1/tables/white", R"({"prefix": "192.0.2.0/24", "for": "12h", "note": "the office"})");
  EXPECT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(at(reply.json, "expires"), "2026-01-01T12:00:00Z");
  auto match = engine_->tables().find(kWhite, *Address::parse("192.0.2.200"));
  ASSERT_TRUE(match && match->row);
  EXPECT_EQ(match->row->source, "operator");
  EXPECT_EQ(match->row->evidence, "added by uid " + std::to_string(::getuid()));
  EXPECT_EQ(match->row->note, "the office");
}

TEST_F(ControlTest, AddsWhiteFor36DaysUnlessToldOtherwise) {
  serve();
  EXPECT_EQ(at(ask("PUT", "/v1/tables/white", R"({"prefix": "192.0.2.1"})").json, "expires"), "2026-02-06T00:00:00Z");
  EXPECT_EQ(at(ask("PUT", "/v1/tables/white", R"({"prefix": "192.0.2.2", "for": "never"})").json, "expires"), "never");
  clock_.advance(24h * 400);
  ASSERT_EQ(lines("/v1/tables/white").size(), 1u);
}

TEST_F(ControlTest, RefusesToAddWhatIsWrong) {
  serve();
  for (const char* body : {"", "{", "[]", "{}", R"({"prefix": "192.0.2.300"})", R"({"prefix": "192.0.2.1/24"})",
                           R"({"prefix": "192.0.2.1", "for": "0"})", R"({"prefix": "192.0.2.1", "for": "5 weeks"})",
                           R"({"prefix": "192.0.2.1", "for": "99999w"})", R"({"prefix": ["192.0.2.1"]})"}) {
    const Reply reply = ask("PUT", "/v1/tables/white", body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_EQ(at(reply.json, "code"), "invalid") << reply.text;
  }
  const Reply typo = ask("PUT", "/v1/tables/white", R"({"prefix": "192.0.2.1", "nots": "x"})");
  EXPECT_NE(typo.text.find("did you mean 'note'"), std::string::npos) << typo.text;
  EXPECT_TRUE(lines("/v1/tables/white").empty());
}

TEST_F(ControlTest, TellsOfATrapThatOutweighsTheNewRow) {
  serve();
  TableRow trap;
  trap.prefix = *Prefix::parse("192.0.2.7");
  trap.expires = clock_.now() + 24h;
  trap.source = "traplist";
  ASSERT_TRUE(engine_->tables().put(kTrapped, trap));
  EXPECT_EQ(at(ask("PUT", "/v1/tables/white", R"({"prefix": "192.0.2.7"})").json, "trapped.source"), "traplist");
}

TEST_F(ControlTest, LogsWhoWroteWhat) {
  serve();
  ask("PUT", "/v1/tables/white", R"({"prefix": "192.0.2.7"})");
  EXPECT_TRUE(log_.contains("control.write uid=" + std::to_string(::getuid())));
  EXPECT_TRUE(log_.contains("PUT /v1/tables/white {\"prefix\":\"192.0.2.7\"}"));
  log_.clear();
  ask("GET", "/v1/tables/white");
  ask("POST", "/v1/explain", R"({"client": "192.0.2.7"})");
  EXPECT_FALSE(log_.contains("control.write"));
}

TEST_F(ControlTest, DeletesFromOneTable) {
  serve();
  put_white("2001:db8::/32");
  EXPECT_EQ(ask("DELETE", "/v1/tables/white?prefix=2001%3adb8::%2F32").status, 200);
  EXPECT_TRUE(lines("/v1/tables/white").empty());
  const Reply again = ask("DELETE", "/v1/tables/white?prefix=2001:db8::/32");
  EXPECT_EQ(again.status, 404);
  EXPECT_EQ(at(again.json, "code"), "not_found");
  EXPECT_EQ(ask("DELETE", "/v1/tables/white").status, 400);
}

TEST_F(ControlTest, DeleteForgetsTheClientEverywhere) {
  Recorder greylist;
  greylist.row.set("deleted", 3);
  use_command(greylist.command());
  serve();
  put_white("192.0.2.7");
  clock_.advance(1min);
  const Reply reply = ask("POST", "/v1/delete", R"({"client": "192.0.2.7"})");
  EXPECT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(at(reply.json, "white"), "yes");
  EXPECT_EQ(at(reply.json, "trapped"), "no");
  EXPECT_EQ(at(reply.json, "deleted"), "3");
  EXPECT_EQ(greylist.asked, "delete {\"client\":\"192.0.2.7\"}\n");
  auto match = engine_->tables().find(kWhite, *Address::parse("192.0.2.7"));
  ASSERT_TRUE(match);
  EXPECT_FALSE(match->row);
  EXPECT_EQ(match->revoked, clock_.now());
}

TEST_F(ControlTest, DeleteSaysWhatStillCoversTheClient) {
  serve();
  put_white("192.0.2.0/24");
  put_white("192.0.2.7");
  EXPECT_EQ(at(ask("POST", "/v1/delete", R"({"client": "192.0.2.7"})").json, "still_white_by"), "192.0.2.0/24");
}

TEST_F(ControlTest, DeleteOfAnUnknownClientIsNotFound) {
  serve();
  EXPECT_EQ(ask("POST", "/v1/delete", R"({"client": "192.0.2.7"})").status, 404);
}

TEST_F(ControlTest, ListsGreyEntriesOfEveryPlugin) {
  Recorder one, two;
  one.row.set("client", "192.0.2.1");
  two.row.set("client", "192.0.2.2");
  Script first, second, silent;
  first.command = one.command();
  second.command = two.command();
  silent.command = [](Context&, std::string_view, const Value&, Rows&) -> Result<void> {
    return fail(Errc::not_found, "not mine");
  };
  use({{"greylist", first}, {"rules", silent}, {"strict", second}});
  serve();
  const auto rows = lines("/v1/grey");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(at(rows[0], "client"), "192.0.2.1");
  EXPECT_EQ(at(rows[1], "client"), "192.0.2.2");
}

TEST_F(ControlTest, TellsAFailureBeforeTheFirstRowByItsStatus) {
  use_command([](Context&, std::string_view, const Value&, Rows&) -> Result<void> {
    return fail(Errc::unavailable, "the store is away");
  });
  serve();
  const Reply reply = ask("GET", "/v1/grey");
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(at(reply.json, "error"), "the store is away");
}

TEST_F(ControlTest, TellsALaterFailureInTheLastLine) {
  use_command([](Context&, std::string_view, const Value&, Rows& rows) -> Result<void> {
    rows.row(Value::map());
    return fail(Errc::unavailable, "the store is away");
  });
  serve();
  const auto rows = lines("/v1/grey");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(at(rows[1], "code"), "unavailable");
}

TEST_F(ControlTest, ShowsTableRowsAndWhatPluginsKnow) {
  Recorder greylist;
  greylist.row.set("state", "passed");
  use_command(greylist.command());
  serve();
  put_white("192.0.2.0/24");
  const auto rows = lines("/v1/show?key=192.0.2.7");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(at(rows[0], "table"), "white");
  EXPECT_EQ(at(rows[0], "prefix"), "192.0.2.0/24");
  EXPECT_EQ(at(rows[1], "state"), "passed");
  EXPECT_EQ(greylist.asked, "show {\"key\":\"192.0.2.7\"}\n");
}

TEST_F(ControlTest, ShowsWhenAClientWasRevoked) {
  serve();
  put_white("192.0.2.7");
  ask("DELETE", "/v1/tables/white?prefix=192.0.2.7");
  const auto rows = lines("/v1/show?key=192.0.2.7");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(at(rows[0], "revoked"), "2026-01-01T00:00:00Z");
}

TEST_F(ControlTest, ShowsRowsInsideAndAroundAPrefix) {
  serve();
  put_white("192.0.2.7");
  put_white("192.0.0.0/16");
  put_white("198.51.100.1");
  EXPECT_EQ(lines("/v1/show?key=192.0.2.0%2F24").size(), 2u);
}

TEST_F(ControlTest, ShowsAMailAddressAsPluginsKnowIt) {
  Recorder greylist;
  use_command(greylist.command());
  serve();
  EXPECT_EQ(lines("/v1/show?key=a%2Bb%40example.org").size(), 1u);
  EXPECT_EQ(greylist.asked, "show {\"key\":\"a+b@example.org\"}\n");
}

TEST_F(ControlTest, ShowRefusesOrDoesNotFind) {
  serve();
  EXPECT_EQ(ask("GET", "/v1/show").status, 400);
  EXPECT_EQ(ask("GET", "/v1/show?key=example").status, 400);
  EXPECT_EQ(ask("GET", "/v1/show?key=192.0.2.7").status, 404);
  EXPECT_EQ(ask("GET", "/v1/show?key=a%40example.org").status, 404);
}

TEST_F(ControlTest, ExpectsMail) {
  Recorder greylist;
  use_command(greylist.command());
  serve();
  const Reply reply = ask("POST", "/v1/expect", R"({"to": "b@example.net", "from_domain": "example.org", "for": "15m"})");
  EXPECT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(at(reply.json, "until"), "2026-01-01T00:15:00Z");
  EXPECT_EQ(greylist.asked, "expect {\"to\":\"b@example.net\",\"from_domain\":\"example.org\",\"for\":\"15m\"}\n");
  EXPECT_EQ(ask("POST", "/v1/expect", R"({"to": "b@example.net"})").status, 400);
  EXPECT_EQ(ask("POST", "/v1/expect", R"({"to": "b@example.net", "for": "52w"})").status, 400);
}

TEST_F(ControlTest, ExpectNeedsAPluginThatCan) {
  serve();
  EXPECT_EQ(ask("POST", "/v1/expect", R"({"to": "b@example.net", "for": "15m"})").status, 404);
}

TEST_F(ControlTest, ReloadTellsWhatCameOfIt) {
  serve();
  EXPECT_EQ(at(ask("POST", "/v1/reload").json, "message"), "reloaded");
  server.reset();
  operations.reload = []() -> Result<std::string> { return fail(Errc::invalid, "deferd.yaml:3:1: unknown key"); };
  serve();
  const Reply reply = ask("POST", "/v1/reload");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(at(reply.json, "error"), "deferd.yaml:3:1: unknown key");
}

TEST_F(ControlTest, BackupWantsAnAbsolutePath) {
  serve();
  EXPECT_EQ(ask("POST", "/v1/backup", R"({"directory": "backup"})").status, 400);
  EXPECT_EQ(ask("POST", "/v1/backup", "{}").status, 400);
}

TEST_F(ControlTest, ListsPluginsAsTheDaemonKnowsThem) {
  operations.plugins = [] {
    Value plugin = Value::map();
    plugin.set("name", "greylist");
    return std::vector<Value>{plugin};
  };
  serve();
  const auto rows = lines("/v1/plugins");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(at(rows[0], "name"), "greylist");
}

TEST_F(ControlTest, TellsWhatItIsSetUpWith) {
  operations.setup = [] {
    Value setup = Value::map();
    setup.set("user", "deferd");
    return setup;
  };
  serve();
  EXPECT_EQ(ask("GET", "/v1/setup").json.to_json(), R"({"user":"deferd"})");
}

TEST_F(ControlTest, ServesMetricsAndTheirSums) {
  Script greylist;
  greylist.rcpt = [](Context&, const std::string&) { return deferred(); };
  use({{"greylist", greylist}});
  for (int i = 0; i < 5; ++i) rcpt();
  metrics_.counter("deferd_test_total", {{"odd", "a b{}\"\\"}}, "Odd labels.").add(3);
  serve();
  const Reply text = ask("GET", "/metrics");
  EXPECT_NE(text.text.find("# TYPE deferd_decisions_total counter"), std::string::npos);
  const Reply stats = ask("GET", "/v1/stats");
  EXPECT_EQ(at(stats.json, "decisions.defer"), "5");
  EXPECT_EQ(at(stats.json, "counters.deferd_decisions_total"), "5");
  EXPECT_EQ(at(stats.json, "counters.deferd_test_total"), "3");
}

TEST_F(ControlTest, MovesOnlyATestingClock) {
  serve();
  EXPECT_EQ(ask("POST", "/v1/testing/clock", R"({"advance": 60})").status, 404);
  server.reset();
  operations.testing_clock = [this](std::optional<Duration> advance, std::optional<Time> set) -> Result<Time> {
    if (advance) clock_.advance(*advance);
    if (set) clock_.set(*set);
    return clock_.now();
  };
  serve();
  EXPECT_EQ(at(ask("POST", "/v1/testing/clock", R"({"advance": 60})").json, "time"), "2026-01-01T00:01:00Z");
  EXPECT_EQ(at(ask("POST", "/v1/testing/clock", R"({"advance": "1h"})").json, "time"), "2026-01-01T01:01:00Z");
  EXPECT_EQ(at(ask("POST", "/v1/testing/clock", R"({"advance": -60})").json, "time"), "2026-01-01T01:00:00Z");
  EXPECT_EQ(at(ask("POST", "/v1/testing/clock", R"({"set": "2030-02-28T23:59:59Z"})").json, "time"), "2030-02-28T23:59:59Z");
  for (const char* bad : {"{}", R"({"advance": 1, "set": "2030-01-01T00:00:00Z"})", R"({"set": "2030-02-30T00:00:00Z"})",
                          R"({"set": "tomorrow"})", R"({"advance": "soon"})"})
    EXPECT_EQ(ask("POST", "/v1/testing/clock", bad).status, 400) << bad;
}

TEST_F(ControlTest, KnowsItsPathsAndTheirMethods) {
  serve();
  EXPECT_EQ(ask("GET", "/").status, 404);
  EXPECT_EQ(ask("GET", "/v1/tables/black").status, 404);
  EXPECT_EQ(ask("GET", "/v1/decisions/").status, 404);
  EXPECT_EQ(ask("GET", "/v1/reload").status, 405);
  EXPECT_EQ(ask("DELETE", "/v1/status").status, 405);
}

}  // namespace
}  // namespace deferd
