// deferctl against a real control socket: what it prints, and how it exits.
#include "ctl/cli.h"

#include <gmock/gmock.h>
#include <poll.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "control/control_fixture.h"
#include "ctl/exit_code.h"
#include "http/json.h"
#include "support/many.h"

namespace deferd::ctl {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class CliTest : public ControlTest {
 protected:
  void SetUp() override {
    ControlTest::SetUp();
    ::unsetenv("DEFERD_SOCKET");
  }
  int run(std::vector<std::string> words) {
    words.insert(words.begin(), {"-s", socket});
    return run_as_is(std::move(words));
  }
  int run_as_is(std::vector<std::string> words) {
    std::ostringstream out_stream, err_stream;
    const int code = ctl::run(std::move(words), {out_stream, err_stream, width});
    out = out_stream.str();
    err = err_stream.str();
    return code;
  }

  std::size_t width = 0;
  std::string out, err;
};

TEST_F(CliTest, PrintsStatusForPeopleAndPrograms) {
  serve();
  clock_.advance(25h);
  EXPECT_EQ(run({"status"}), kOk) << err;
  EXPECT_THAT(out, HasSubstr("version        1.2.3\n"));
  EXPECT_THAT(out, HasSubstr("uptime         1d1h\n"));
  EXPECT_THAT(out, HasSubstr("store.engine   memory\n"));
  EXPECT_EQ(run({"status", "--json"}), kOk);
  auto value = parse_json(out);
  ASSERT_TRUE(value);
  EXPECT_EQ(at(*value, "uptime"), "90000");
}

TEST_F(CliTest, SaysThatNobodyAnswers) {
  EXPECT_EQ(run({"status"}), kUnreachable);
  EXPECT_EQ(err, "deferctl: no deferd answers on " + socket + ": is it running? try `deferctl -s ./var/control.sock status`\n");
  EXPECT_EQ(out, "");
}

TEST_F(CliTest, FindsTheSocketByOptionThenByEnvironment) {
  serve();
  ::setenv("DEFERD_SOCKET", socket.c_str(), 1);
  EXPECT_EQ(run_as_is({"status"}), kOk) << err;
  EXPECT_EQ(run_as_is({"status", "-s", folder.file("other.sock")}), kUnreachable);
  ::setenv("DEFERD_SOCKET", folder.file("other.sock").c_str(), 1);
  EXPECT_EQ(run_as_is({"status", "--socket", socket}), kOk) << err;
  ::unsetenv("DEFERD_SOCKET");
}

TEST_F(CliTest, RefusesASocketPathThatDoesNotFit) {
  EXPECT_EQ(run_as_is({"-s", "/" + std::string(200, 'x'), "status"}), kUsage);
  EXPECT_THAT(err, HasSubstr("107 bytes"));
}

TEST_F(CliTest, ExplainsItsUsage) {
  EXPECT_EQ(run({}), kUsage);
  EXPECT_EQ(run({"lsit"}), kUsage);
  EXPECT_EQ(run({"list"}), kUsage);
  EXPECT_EQ(run({"list", "black"}), kUsage);
  EXPECT_EQ(run({"expect", "a@example.org"}), kUsage);
  EXPECT_EQ(run({"status", "--nonsense"}), kUsage);
  EXPECT_EQ(run({"--help"}), kOk);
  EXPECT_THAT(out, HasSubstr("release"));
  EXPECT_EQ(run({"--version"}), kOk);
  EXPECT_THAT(out, StartsWith("deferctl "));
}

TEST_F(CliTest, ListsAsAnAlignedTable) {
  serve();
  put_white("192.0.2.7", "retry");
  put_white("2001:db8:1234:5678::/64", "an operator's wish");
  EXPECT_EQ(run({"list", "white"}), kOk) << err;
  std::vector<std::string> rows;
  std::istringstream text(out);
  for (std::string row; std::getline(text, row);) rows.push_back(row);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0], "PREFIX                   EXPIRES               SOURCE    NOTE  EVIDENCE");
  EXPECT_THAT(rows, ::testing::Contains("192.0.2.7                2026-02-06T00:00:00Z  greylist        retry"));
}

TEST_F(CliTest, CutsLinesToTheTerminal) {
  serve();
  put_white("192.0.2.7", "r\xc3\xa9try of a mail that was tried before");
  width = 51;
  EXPECT_EQ(run({"list", "white"}), kOk);
  EXPECT_THAT(out, HasSubstr("192.0.2.7  2026-02-06T00:00:00Z  greylist        r\xc3\xa9\n"));
}

TEST_F(CliTest, EscapesWhatATerminalWouldActOn) {
  serve();
  put_white("192.0.2.7",
            "\x1b[2J\x07\xff\xe2\x80\xae"
            "a");
  EXPECT_EQ(run({"list", "white"}), kOk);
  for (const char bad : {'\x1b', '\x07', '\xff', '\xe2'}) EXPECT_EQ(out.find(bad), std::string::npos);
  EXPECT_THAT(out, HasSubstr("\\x1b[2J"));
}

TEST_F(CliTest, ListsJsonALine) {
  serve();
  put_white("192.0.2.7");
  put_white("192.0.2.8");
  EXPECT_EQ(run({"list", "white", "--json"}), kOk);
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 2);
  EXPECT_TRUE(parse_json(out.substr(0, out.find('\n'))));
}

TEST_F(CliTest, ListsNothingAsNothing) {
  serve();
  EXPECT_EQ(run({"list", "white"}), kOk);
  EXPECT_EQ(run({"list", "trapped", "--json"}), kOk);
  EXPECT_EQ(out, "");
}

/// As many grey entries as asked for.
decltype(Script::command) grey_entries(int count) {
  return [count](Context&, std::string_view, const Value&, Rows& rows) -> Result<void> {
    Value row = Value::map();
    row.set("client", "192.0.2.7");
    row.set("from", "a@example.org");
    row.set("to", "b@example.net");
    row.set("tries", 2);
    row.set("state", "waiting");
    for (int i = 0; i < count && rows.row(row); ++i) {
    }
    return {};
  };
}

TEST_F(CliTest, ListsManyGreyEntries) {
  constexpr int kEntries = many(100'000);
  use_command(grey_entries(kEntries));
  serve();
  EXPECT_EQ(run({"list", "grey", "--json"}), kOk) << err;
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), kEntries);
  EXPECT_EQ(run({"list", "grey"}), kOk) << err;
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), kEntries + 1);
  EXPECT_THAT(out, HasSubstr("192.0.2.7  2"));
}

TEST_F(CliTest, ExitsWithFailureWhenAListIsNotWhole) {
  use_command([](Context&, std::string_view, const Value&, Rows& rows) -> Result<void> {
    rows.row(Value::map());
    return fail(Errc::corrupt, "a damaged record");
  });
  serve();
  EXPECT_EQ(run({"list", "grey", "--json"}), kFailed);
  EXPECT_EQ(out, "{}\n");
  EXPECT_EQ(err, "deferctl: a damaged record\n");
}

TEST_F(CliTest, AddsShowsAndDeletes) {
  serve();
  EXPECT_EQ(run({"add", "white", "192.0.2.0/24", "--for", "12h", "--note", "the office"}), kOk) << err;
  EXPECT_EQ(out, "192.0.2.0/24 is white until 2026-01-01T12:00:00Z\n");
  EXPECT_EQ(run({"show", "192.0.2.77"}), kOk) << err;
  EXPECT_THAT(out, HasSubstr("note      the office\n"));
  EXPECT_EQ(run({"delete", "192.0.2.0/24"}), kOk) << err;
  EXPECT_EQ(out, "192.0.2.0/24 was deleted from white; plugins forgot 0 of their records\n");
  EXPECT_EQ(run({"delete", "192.0.2.0/24"}), kNothing);
  EXPECT_EQ(err, "deferctl: nothing is known of 192.0.2.0/24\n");
  EXPECT_EQ(run({"show", "198.51.100.1"}), kNothing);
}

TEST_F(CliTest, TellsWhatTheDaemonRefuses) {
  serve();
  EXPECT_EQ(run({"add", "white", "192.0.2.1/24"}), kRefused);
  EXPECT_THAT(err, HasSubstr("192.0.2.0/24"));
  EXPECT_EQ(run({"add", "white", "192.0.2.1", "--for", "soon"}), kRefused);
  EXPECT_EQ(run({"show", "nobody"}), kRefused);
}

TEST_F(CliTest, WarnsOfATrapThatCountsFirst) {
  serve();
  TableRow trap;
  trap.prefix = *Prefix::parse("192.0.2.7");
  trap.expires = clock_.now() + 24h;
  ASSERT_TRUE(engine_->tables().put(kTrapped, trap));
  EXPECT_EQ(run({"add", "white", "192.0.2.7"}), kOk);
  EXPECT_THAT(out, HasSubstr("trapped until 2026-01-02T00:00:00Z"));
}

TEST_F(CliTest, ExpectsMail) {
  std::string asked;
  use_command([&](Context&, std::string_view name, const Value& args, Rows&) -> Result<void> {
    asked = std::string(name) + args.to_json();
    return {};
  });
  serve();
  EXPECT_EQ(run({"expect", "b@example.net", "--from", "example.org", "--for", "15m"}), kOk) << err;
  EXPECT_EQ(out, "mail to <b@example.net> from example.org is not delayed until 2026-01-01T00:15:00Z\n");
  EXPECT_EQ(asked, R"(expect{"to":"b@example.net","from_domain":"example.org","for":"15m"})");
}

TEST_F(CliTest, ExplainsAClientWithEachPluginsAnswer) {
  Script rules, greylist;
  rules.rcpt = [](Context&, const std::string&) { return Verdict::pass("no rule matches"); };
  greylist.rcpt = [this](Context&, const std::string&) { return deferred("first attempt").due_at(clock_.now() + 5min); };
  use({{"rules", rules}, {"greylist", greylist}});
  serve();
  EXPECT_EQ(run({"explain", "192.0.2.7", "--helo", "h", "--from", "<>", "--to", "b@example.net"}), kOk) << err;
  EXPECT_THAT(out, StartsWith("now: defer 451 4.7.1 Later\n"));
  EXPECT_THAT(out, HasSubstr("  from    <>\n"));
  EXPECT_THAT(out, HasSubstr("  to      <b@example.net>\n"));
  EXPECT_THAT(out, HasSubstr("  by      greylist\n"));
  EXPECT_THAT(out, HasSubstr("  due     2026-01-01T00:05:00Z\n"));
  EXPECT_THAT(out, HasSubstr("rules     rcpt   pass                          no rule matches\n"));
  EXPECT_THAT(out, HasSubstr("greylist  rcpt   defer   2026-01-01T00:05:00Z  first attempt\n"));
}

TEST_F(CliTest, ExplainsAndReleasesAPastDecision) {
  Script greylist;
  greylist.rcpt = [](Context&, const std::string&) { return deferred("first attempt"); };
  greylist.command = [](Context&, std::string_view, const Value&, Rows&) -> Result<void> { return {}; };
  use({{"greylist", greylist}});
  const std::string id = rcpt().id;
  pipeline_.flush_decisions();
  serve();
  clock_.advance(1h);
  EXPECT_EQ(run({"explain", id}), kOk) << err;
  EXPECT_THAT(out, StartsWith("at 2026-01-01T00:00:00Z: defer 451 4.7.1 Later\n"));
  EXPECT_THAT(out, HasSubstr("\nnow: defer"));
  EXPECT_EQ(run({"release", id}), kOk) << err;
  EXPECT_EQ(out, "the mail from <a@example.net> to <b@example.org> passes when 192.0.2.7 tries again\n");
  EXPECT_EQ(run({"release", "0000000000000000.1"}), kNothing);
}

TEST_F(CliTest, ListsPluginsAndTheirOrder) {
  operations.plugins = [] {
    std::vector<Value> plugins;
    for (const char* name : {"rules", "greylist"}) {
      Value plugin = Value::map();
      plugin.set("name", name);
      plugin.set("state", "ok");
      Value& hooks = plugin.set("hooks", Value::list());
      if (std::string_view(name) == "rules") hooks.append("mail");
      hooks.append("rcpt");
      plugins.push_back(std::move(plugin));
    }
    return plugins;
  };
  serve();
  EXPECT_EQ(run({"plugins"}), kOk) << err;
  EXPECT_THAT(out, HasSubstr("mail rcpt"));
  EXPECT_EQ(run({"plugins", "--order"}), kOk) << err;
  EXPECT_EQ(out, "STAGE  ASKED\nmail   rules\nrcpt   rules > greylist\n");
}

TEST_F(CliTest, ReloadPrintsWhatCameOfIt) {
  serve();
  EXPECT_EQ(run({"reload"}), kOk);
  EXPECT_EQ(out, "reloaded\n");
  server.reset();
  operations.reload = []() -> Result<std::string> {
    return fail(Errc::invalid, "deferd.yaml:3:1: unknown key\ndeferd.yaml:4:1: not a number\nnothing\x1b changed");
  };
  serve();
  EXPECT_EQ(run({"reload"}), kRefused);
  EXPECT_EQ(err, "deferctl: deferd.yaml:3:1: unknown key\ndeferd.yaml:4:1: not a number\nnothing\\x1b changed\n");
  server.reset();
  operations.reload = []() -> Result<std::string> { return "reloaded\nonly after a restart: store"; };
  serve();
  EXPECT_EQ(run({"reload"}), kOk);
  EXPECT_EQ(out, "reloaded\nonly after a restart: store\n");
}

TEST_F(CliTest, WatchesStatsAsOftenAsAsked) {
  Script greylist;
  greylist.rcpt = [](Context&, const std::string&) { return deferred(); };
  use({{"greylist", greylist}});
  for (int i = 0; i < 120; ++i) rcpt();
  serve();
  clock_.advance(10min);
  EXPECT_EQ(run({"stats"}), kOk) << err;
  EXPECT_THAT(out, HasSubstr("up 10m"));
  EXPECT_THAT(out, HasSubstr("defer      120    12.0\n"));
  EXPECT_EQ(run({"stats", "--watch", "-n", "3", "--every", "1ms"}), kOk) << err;
  std::size_t prints = 0;
  for (auto found = out.find("DECISIONS"); found != std::string::npos; found = out.find("DECISIONS", found + 1)) ++prints;
  EXPECT_EQ(prints, 3u);
  EXPECT_EQ(run({"stats", "--every", "often"}), kUsage);
}

TEST_F(CliTest, SaysThatNothingWasDecidedYet) {
  serve();
  EXPECT_EQ(run({"stats"}), kOk) << err;
  EXPECT_THAT(out, HasSubstr("no decisions yet\n"));
}

TEST_F(CliTest, ShowsListsFetchesOneAndTestsAnAddress) {
  Recorder recorder;
  recorder.row.set("list", "traps");
  recorder.row.set("entries", 12);
  recorder.row.set("covers", "256 IPv4");
  recorder.row.set("state", "good");
  recorder.row.set("line", 7);
  use_command(recorder.command(), "blacklist");
  serve();
  EXPECT_EQ(run({"lists"}), kOk) << err;
  EXPECT_THAT(out,
              StartsWith("LIST   ACTION  ENTRIES  COVERS    AGE  NEXT  STATE  LOADING  ERROR\ntraps          12       256 IPv4"));
  EXPECT_EQ(run({"lists", "refresh", "traps"}), kOk) << err;
  EXPECT_EQ(out, "traps has 12 entries, 256 IPv4\n");
  EXPECT_EQ(run({"lists", "test", "192.0.2.7"}), kOk) << err;
  EXPECT_THAT(out, StartsWith("LIST   ACTION  LINE  ENTRY  BUT WHITE BY  SOURCE\ntraps          7"));
  EXPECT_EQ(run({"--json", "lists"}), kOk) << err;
  EXPECT_EQ(out, recorder.row.to_json() + "\n");
  EXPECT_EQ(recorder.asked, "lists {}\nlists-refresh {\"list\":\"traps\"}\nlists-test {\"address\":\"192.0.2.7\"}\nlists {}\n");
  EXPECT_EQ(run({"lists", "refresh"}), kUsage);
  EXPECT_EQ(run({"lists", "forget", "traps"}), kUsage);
}

TEST_F(CliTest, ShowsTheBridgeAndSteersIt) {
  Recorder recorder;
  recorder.row.set("table", "white");
  recorder.row.set("state", "held");
  recorder.row.set("wanted", 12);
  recorder.row.set("present", 70);
  recorder.row.set("held", 58);
  recorder.row.set("helper", "unix:/run/helper");
  recorder.row.set("tables", 1);
  use_command(recorder.command(), "pfbridge");
  serve();
  EXPECT_EQ(run({"bridge"}), kOk) << err;
  EXPECT_THAT(out, StartsWith("TABLE  STATE  WANTED  PRESENT  PENDING  FOREIGN  HELD  LAG  HELPER            ERROR\n"
                              "white  held   12      70                         58         unix:/run/helper"));
  EXPECT_EQ(run({"--json", "bridge"}), kOk) << err;
  EXPECT_EQ(out, recorder.row.to_json() + "\n");
  EXPECT_EQ(run({"bridge", "adopt"}), kOk) << err;
  EXPECT_THAT(out, StartsWith("asked for, tables: 1 "));
  EXPECT_EQ(run({"bridge", "reconcile"}), kOk) << err;
  EXPECT_EQ(recorder.asked, "bridge {}\nbridge {}\nbridge-adopt {}\nbridge-reconcile {}\n");
  EXPECT_EQ(run({"bridge", "forget"}), kUsage);
}

TEST_F(CliTest, SaysThatAnAddressIsOnNoList) {
  use_command([](Context&, std::string_view, const Value&, Rows&) -> Result<void> { return {}; }, "blacklist");
  serve();
  EXPECT_EQ(run({"lists", "test", "192.0.2.7"}), kOk) << err;
  EXPECT_EQ(out, "192.0.2.7 is on no list\n");
}

TEST_F(CliTest, BacksUpIntoAnAbsolutePath) {
  serve();
  run({"backup", "some/../where"});
  EXPECT_TRUE(log_.contains("{\"directory\":\"" + std::filesystem::current_path().string() + "/where\"}"));
}

TEST_F(CliTest, SeesThatSomethingElseAnswers) {
  auto listener = Listener::open(socket, {});
  ASSERT_TRUE(listener);
  std::thread stranger([&] {
    pollfd caller{listener->descriptor(), POLLIN, 0};
    ::poll(&caller, 1, 20'000);
    const int peer = ::accept(listener->descriptor(), nullptr, nullptr);
    const std::string greeting = "220 mail.example.org ESMTP\r\n";
    ::send(peer, greeting.data(), greeting.size(), MSG_NOSIGNAL);
    ::shutdown(peer, SHUT_WR);
    char rest[4096];
    while (::recv(peer, rest, sizeof(rest), 0) > 0) {
    }
    ::close(peer);
  });
  EXPECT_EQ(run({"status"}), kBrokeOff);
  EXPECT_THAT(err, HasSubstr("no answer of deferd"));
  stranger.join();
}

}  // namespace
}  // namespace deferd::ctl
