#include "blacklist.h"

#include <gmock/gmock.h>

#include "config/yaml.h"
#include "deferd/testing/fake_host.h"
#include "deferd/testing/processes.h"
#include "testing_server.h"
#include "testing_support.h"

namespace deferd::blacklist {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class BlacklistTest : public ::testing::Test {
 protected:
  /// As at a start or, while there is a plugin, at a reload: the new one is made first.
  void configure(const std::string& yaml) {
    Problems problems;
    const auto value = parse_yaml(yaml + "keep: " + folder.file("copies") + "\n", problems);
    ASSERT_TRUE(value) << problems.to_string("yaml");
    const auto config = Config::schema().read(*value, problems);
    ASSERT_FALSE(problems.failed()) << problems.to_string("yaml");
    plugin = std::make_unique<Blacklist>(config, host);
  }
  Verdict connect(const std::string& client) {
    FakeContext context{host};
    context.set_dry(dry);
    context.session().client = *Address::parse(client);
    return plugin->on_connect(context);
  }
  std::vector<Value> command(std::string_view name, const std::string& key = {}, const std::string& value = {}) {
    FakeContext context{host};
    FakeRows rows;
    Value args = Value::map();
    if (!key.empty()) args.set(key, value);
    const auto done = plugin->on_command(context, name, args, rows);
    error = done ? "" : done.error().what;
    return rows.rows;
  }
  static std::string at(const Value& row, std::string_view key) {
    const auto* value = row.find(key);
    return value == nullptr ? "(none)" : value->is_text() ? value->text() : value->to_json();
  }

  FakeHost host{"blacklist"};
  TestFolder folder;
  std::unique_ptr<Blacklist> plugin;
  bool dry = false;
  std::string error;
};

constexpr auto* kTwoLists = R"(
lists:
  - {name: traps, entries: [192.0.2.0/24, "2001:db8::/32"], message: 'Your address %A is listed'}
  - {name: mine, entries: [192.0.2.7, 198.51.100.7], message: 'Go away', action: reject, tags: [mine]}
  - {name: friends, white: yes, entries: [192.0.2.8]}
)";

TEST_F(BlacklistTest, TellsListedClientsWhenTheyConnect) {
  configure(kTwoLists);
  const auto verdict = connect("192.0.2.1");
  EXPECT_EQ(verdict.action, Action::defer);
  EXPECT_EQ(verdict.reply.code, 450);
  EXPECT_EQ(verdict.reply.text, "Your address 192.0.2.1 is listed");
  EXPECT_EQ(verdict.reason, "on traps");
  EXPECT_THAT(verdict.tags, ElementsAre("blacklist.hit", "list=traps"));
  EXPECT_EQ(connect("2001:db8::7").reply.text, "Your address 2001:db8::7 is listed");
  EXPECT_EQ(connect("198.51.100.7").action, Action::reject);
}

TEST_F(BlacklistTest, HasNoOpinionOfOthers) {
  configure(kTwoLists);
  for (const auto* client : {"203.0.113.7", "2001:db9::1", "192.0.3.0"}) {
    EXPECT_EQ(connect(client).action, Action::pass) << client;
    EXPECT_TRUE(connect(client).tags.empty());
  }
}

TEST_F(BlacklistTest, NamesAllListsInTheirOrder) {
  configure(kTwoLists);
  const auto verdict = connect("192.0.2.7");
  EXPECT_EQ(verdict.action, Action::defer);
  EXPECT_EQ(verdict.reply.text, "Your address 192.0.2.7 is listed\nGo away");
  EXPECT_THAT(verdict.tags, ElementsAre("blacklist.hit", "list=traps", "list=mine", "mine"));
}

TEST_F(BlacklistTest, TakesWhiteListsOut) {
  configure(kTwoLists);
  EXPECT_EQ(connect("192.0.2.8").action, Action::pass);
  EXPECT_EQ(connect("192.0.2.9").action, Action::defer);
}

TEST_F(BlacklistTest, TurnsNobodyAwayBeforeItsWhiteListsWereLoaded) {
  folder.write("traps", "192.0.2.0/24\n");
  configure("lists:\n- {name: traps, file: " + folder.file("traps") + "}\n- {name: other, entries: [198.51.100.7]}\n" +
            "- {name: friends, white: yes, only: [traps], file: " + folder.file("friends") + "}\n");
  EXPECT_EQ(connect("192.0.2.7").action, Action::pass);
  EXPECT_EQ(connect("198.51.100.7").action, Action::defer);
  EXPECT_EQ(host.gauge_value("deferd_blacklist_alarm", {{"list", "friends"}}), 1);
  const auto rows = command("lists-test", "address", "192.0.2.7");
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_EQ(at(rows[0], "but_white_by"), "friends (not loaded yet)");
  folder.write("friends", "192.0.2.8\n");
  command("lists-refresh", "list", "friends");
  EXPECT_EQ(error, "");
  EXPECT_EQ(connect("192.0.2.7").action, Action::defer);
  EXPECT_EQ(connect("192.0.2.8").action, Action::pass);
  std::filesystem::remove(folder.file("friends"));
  command("lists-refresh", "list", "friends");
  EXPECT_EQ(connect("192.0.2.8").action, Action::pass);
}

TEST_F(BlacklistTest, LoadsWhiteListsFirst) {
  TestServer server;
  server.say("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  configure("lists:\n- {name: traps, url: '" + server.url("/traps") + "'}\n- {name: friends, white: yes, url: '" +
            server.url("/friends") + "'}\n");
  EXPECT_TRUE(soon([&] { return server.requests().size() == 2; }));
  plugin.reset();
  EXPECT_THAT(server.requests().at(0), HasSubstr("GET /friends "));
}

TEST_F(BlacklistTest, CountsConnectionsButNoDryRuns) {
  configure(kTwoLists);
  connect("192.0.2.7");
  connect("192.0.2.1");
  dry = true;
  connect("192.0.2.1");
  EXPECT_EQ(host.count("deferd_blacklist_hits_total", {{"list", "traps"}}), 2u);
  EXPECT_EQ(host.count("deferd_blacklist_hits_total", {{"list", "mine"}}), 1u);
  EXPECT_EQ(host.gauge_value("deferd_blacklist_entries", {{"list", "traps"}}), 2);
  EXPECT_EQ(host.gauge_value("deferd_blacklist_alarm", {{"list", "traps"}}), 0);
}

TEST_F(BlacklistTest, LetsThroughWhileAListIsNotThereYetAndRaisesTheAlarm) {
  configure("lists: [{name: traps, file: /no/such/file}]\n");
  EXPECT_EQ(connect("192.0.2.7").action, Action::pass);
  EXPECT_EQ(host.gauge_value("deferd_blacklist_alarm", {{"list", "traps"}}), 1);
  EXPECT_TRUE(host.log().contains("warning blacklist.failing list=traps"));
}

TEST_F(BlacklistTest, NeverWaitsForANetworkAtItsStart) {
  TestServer server([](const std::string&) { return TestServer::Answer{"HTTP/1.1 200 OK\r\n\r\n", true}; });
  configure("lists: [{name: traps, url: '" + server.url() + "', timeout: 1h}]\n");
  EXPECT_EQ(connect("192.0.2.7").action, Action::pass);
  plugin.reset();  // and for none at its end
}

TEST_F(BlacklistTest, FetchesByItself) {
  TestServer server;
  server.say(TestServer::ok("192.0.2.7\n"));
  configure("lists: [{name: traps, url: '" + server.url() + "'}]\n");
  EXPECT_TRUE(soon([&] { return connect("192.0.2.7").action == Action::defer; }));
}

TEST_F(BlacklistTest, FetchesNothingAgainAtAReloadThatChangesOnlyTheMessage) {
  TestServer server;
  server.say(TestServer::ok("192.0.2.7\n"));
  const std::string list = "lists: [{name: traps, url: '" + server.url() + "'";
  configure(list + "}]\n");
  command("lists-refresh", "list", "traps");  // and nothing is fetched any more then
  ASSERT_EQ(error, "");
  const auto asked = server.requests().size();
  configure(list + ", message: Other words}]\n");
  EXPECT_EQ(connect("192.0.2.7").reply.text, "Other words");
  EXPECT_THAT(server.requests(), SizeIs(asked));
  configure(list + ", max_entries: 5}]\n");  // another list by its limits, of the same source: by its copy
  EXPECT_EQ(connect("192.0.2.7").action, Action::defer);
}

TEST_F(BlacklistTest, ForgetsListsThatNobodyWantsAnyMore) {
  configure("lists: [{name: traps, entries: [192.0.2.7]}]\n");
  configure("lists: [{name: other, entries: [198.51.100.7]}]\n");
  EXPECT_EQ(connect("192.0.2.7").action, Action::pass);
  EXPECT_EQ(connect("198.51.100.7").action, Action::defer);
}

TEST_F(BlacklistTest, TakesSpamdConfAsItIs) {
  folder.write("black", "192.0.2.0/24\n");
  folder.write("white", "192.0.2.8\n");
  const auto conf = folder.write("spamd.conf", "all:a:w:\na:black:msg=\"SPAM. %A\\nSee us\":file=" + folder.file("black") +
                                                   ":\nw:white:file=" + folder.file("white") + ":\n");
  configure("spamd_conf: " + conf + "\naction: reject\n");
  EXPECT_EQ(connect("192.0.2.7").action, Action::reject);
  EXPECT_EQ(connect("192.0.2.7").reply.text, "SPAM. 192.0.2.7\nSee us");
  EXPECT_EQ(connect("192.0.2.8").action, Action::pass);
  plugin.reset();
  folder.write("white", "# nobody yet\n");  // as spamd-setup(8), which takes an empty one as it is
  configure("spamd_conf: " + conf + "\n");
  EXPECT_EQ(connect("192.0.2.8").action, Action::defer);
}

TEST_F(BlacklistTest, KeepsItsPortOpenAcrossAReload) {
  configure("config_port: 127.0.0.1:0\n");
  const auto before = plugin->port()->socket().bound();
  configure("config_port: 127.0.0.1:0\nlists: [{name: traps, entries: [192.0.2.7]}]\n");
  EXPECT_EQ(plugin->port()->socket().bound(), before);
}

TEST_F(BlacklistTest, ShowsItsLists) {
  folder.write("black", "192.0.2.0/24\nbad\n");
  configure("lists:\n- {name: traps, file: " + folder.file("black") +
            "}\n- {name: gone, file: /no/such/file}\n"
            "- {name: friends, white: yes, entries: ['2001:db8::/32']}\n");
  const auto rows = command("lists");
  ASSERT_THAT(rows, SizeIs(3));
  EXPECT_EQ(at(rows[0], "list"), "traps");
  EXPECT_EQ(at(rows[0], "action"), "defer");
  EXPECT_EQ(at(rows[0], "state"), "good");
  EXPECT_EQ(at(rows[0], "entries"), "1");
  EXPECT_EQ(at(rows[0], "covers"), "256 IPv4");
  EXPECT_EQ(at(rows[0], "age"), "0s");
  EXPECT_EQ(at(rows[0], "source"), folder.file("black"));
  EXPECT_EQ(at(rows[0], "bad_lines"), "1");
  EXPECT_THAT(at(rows[0], "remarks"), HasSubstr("line 2: 'bad'"));
  EXPECT_THAT(at(rows[0], "next"), HasSubstr("2026-01-01T00:0"));
  EXPECT_EQ(at(rows[1], "state"), "empty");
  EXPECT_THAT(at(rows[1], "error"), HasSubstr("No such file"));
  EXPECT_EQ(at(rows[2], "action"), "white");
  EXPECT_EQ(at(rows[2], "covers"), "4294967296 IPv6 /64");
  EXPECT_EQ(at(rows[2], "next"), "(none)");
}

TEST_F(BlacklistTest, RefreshesAListAtOnce) {
  folder.write("black", "192.0.2.0/24\n");
  configure("lists: [{name: traps, file: " + folder.file("black") + "}]\n");
  folder.write("black", "198.51.100.0/24\n203.0.113.0/24\n");
  const auto rows = command("lists-refresh", "list", "traps");
  EXPECT_EQ(error, "");
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_EQ(at(rows[0], "entries"), "2");
  EXPECT_EQ(connect("198.51.100.7").action, Action::defer);
  folder.write("black", "");
  command("lists-refresh", "list", "traps");
  EXPECT_EQ(error, "has only 0 entries, at least 1 are expected");
  EXPECT_EQ(host.gauge_value("deferd_blacklist_alarm", {{"list", "traps"}}), 1);
  command("lists-refresh", "list", "none");
  EXPECT_EQ(error, "there is no list 'none' that could be fetched");
}

TEST_F(BlacklistTest, SaysWhichListsAnAddressIsOnAndWhere) {
  folder.write("black", "# mine\n192.0.2.0/24 # spammers\n");
  configure("lists:\n- {name: traps, file: " + folder.file("black") +
            "}\n- {name: own, entries: [198.51.100.7, 192.0.2.7], action: tag}\n"
            "- {name: friends, white: yes, only: [traps], entries: [192.0.2.7]}\n");
  const auto rows = command("lists-test", "address", "192.0.2.7");
  ASSERT_THAT(rows, SizeIs(3));
  EXPECT_EQ(at(rows[0], "list"), "traps");
  EXPECT_EQ(at(rows[0], "line"), "2");
  EXPECT_EQ(at(rows[0], "entry"), "192.0.2.0/24 # spammers");
  EXPECT_EQ(at(rows[0], "but_white_by"), "friends");
  EXPECT_EQ(at(rows[1], "line"), "2");
  EXPECT_EQ(at(rows[1], "action"), "tag");
  EXPECT_EQ(at(rows[1], "but_white_by"), "(none)");
  EXPECT_EQ(at(rows[2], "action"), "white");
  EXPECT_THAT(command("lists-test", "address", "203.0.113.1"), SizeIs(0));
  EXPECT_EQ(error, "");
  command("lists-test", "address", "x");
  EXPECT_EQ(error, "'address' must be an address");
  command("list-grey");
  EXPECT_EQ(error, "no such command: list-grey");
}

}  // namespace
}  // namespace deferd::blacklist
