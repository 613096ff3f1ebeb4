#include "pfbridge/watcher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "deferd/testing/fake_host.h"

namespace deferd::pfbridge {
namespace {

using namespace std::chrono_literals;

class WatcherTest : public testing::Test {
 protected:
  void make(WatchConfig config) {
    watcher.emplace(std::move(config), host, [this] {
      ++own_asked;
      return own;
    });
  }
  WatcherTest() { make({}); }

  static Address address(std::string_view text) { return or_throw(Address::parse(text)); }
  void inbound(std::string_view client, std::string_view interface = "em0") { watcher->inbound(address(client), interface); }
  void outbound(std::string_view server, std::string_view interface = "em0") { watcher->outbound(address(server), interface); }

  /// Written some time ago, so that it can be renewed: rows are written once an hour. Lives for `life` from now on.
  void put(std::string_view table, std::string_view prefix, Duration life, std::string source = "greylist") {
    TableRow row;
    row.prefix = or_throw(Prefix::parse(prefix));
    row.added = host.clock().now();
    row.expires = host.clock().now() + 2h + life;
    row.source = std::move(source);
    row.note = "a note";
    or_throw(host.tables().put(table, row));
    host.clock().advance(2h);
  }
  std::optional<TableRow> white(std::string_view client) { return or_throw(host.tables().find(kWhite, address(client))).row; }
  /// How long the client's white row still lives; 0: there is none.
  Duration white_for(std::string_view client) {
    const auto row = white(client);
    return row ? row->expires - host.clock().now() : Duration(0);
  }
  std::uint64_t count(std::string_view direction, std::string_view result) {
    return host.count("deferd_pfbridge_watched_total", {{"direction", direction}, {"result", result}});
  }

  FakeHost host{"pfbridge"};
  std::vector<Address> own;
  int own_asked = 0;
  std::optional<Watcher> watcher;
};

constexpr auto kDay = std::chrono::seconds(24h);

TEST_F(WatcherTest, KeepsAWhiteClientThatStillWrites) {
  put(kWhite, "192.0.2.7", kDay);
  inbound("192.0.2.7");
  EXPECT_EQ(white_for("192.0.2.7"), 36 * kDay);
  EXPECT_EQ(white("192.0.2.7")->source, "greylist");
  EXPECT_EQ(count("in", "refreshed"), 1u);
}

TEST_F(WatcherTest, KeepsALearnedNetworkOfAClient) {
  put(kWhite, "2001:db8:0:1::/64", kDay);
  inbound("2001:db8:0:1::7");
  EXPECT_EQ(white_for("2001:db8:0:1::7"), 36 * kDay);
}

TEST_F(WatcherTest, LetsAnOperatorsNetworkEndWhenHeSaid) {
  put(kWhite, "192.0.2.0/24", kDay, "operator");
  inbound("192.0.2.7");
  EXPECT_EQ(white_for("192.0.2.7"), kDay);
  EXPECT_EQ(count("in", "unknown"), 1u);
}

TEST_F(WatcherTest, NeverShortensARow) {
  put(kWhite, "192.0.2.7", 100 * kDay);
  inbound("192.0.2.7");
  outbound("192.0.2.7");
  EXPECT_EQ(white_for("192.0.2.7"), 100 * kDay);
}

TEST_F(WatcherTest, MakesNobodyWhiteWhoOnlyConnects) {
  inbound("192.0.2.7");
  EXPECT_FALSE(white("192.0.2.7"));
  EXPECT_EQ(count("in", "unknown"), 1u);
}

TEST_F(WatcherTest, MakesWhiteWhomOurUsersWriteTo) {
  outbound("198.51.100.25");
  const auto row = white("198.51.100.25");
  ASSERT_TRUE(row);
  EXPECT_EQ(row->prefix.to_string(), "198.51.100.25");
  EXPECT_EQ(row->source, "outbound");
  EXPECT_EQ(row->evidence, "mail from us to it on em0");
  EXPECT_EQ(row->added, host.clock().now());
  EXPECT_EQ(white_for("198.51.100.25"), 36 * kDay);
  outbound("2001:db8::25");
  EXPECT_EQ(white("2001:db8::25")->prefix.to_string(), "2001:db8::25");
  EXPECT_EQ(count("out", "added"), 2u);
}

TEST_F(WatcherTest, LeavesAnOperatorsRowAsItIs) {
  put(kWhite, "198.51.100.25", 40 * kDay, "operator");
  outbound("198.51.100.25");
  EXPECT_EQ(white("198.51.100.25")->source, "operator");
  EXPECT_EQ(white("198.51.100.25")->note, "a note");
  EXPECT_EQ(white_for("198.51.100.25"), 40 * kDay);
  EXPECT_EQ(count("out", "refreshed"), 1u);
}

TEST_F(WatcherTest, GivesAHostARowOfItsOwnInAnOperatorsNetwork) {
  put(kWhite, "198.51.100.0/24", kDay, "operator");
  outbound("198.51.100.25");
  EXPECT_EQ(white("198.51.100.25")->source, "outbound");
}

TEST_F(WatcherTest, LeavesTheTrappedTrapped) {
  put(kWhite, "192.0.2.7", kDay);
  put(kTrapped, "192.0.2.0/24", kDay);
  inbound("192.0.2.7");
  EXPECT_EQ(white_for("192.0.2.7"), kDay - 2h);
  outbound("192.0.2.9");
  EXPECT_FALSE(white("192.0.2.9"));
  EXPECT_TRUE(or_throw(host.tables().find(kTrapped, address("192.0.2.9"))).row);
  EXPECT_EQ(count("in", "trapped") + count("out", "trapped"), 2u);
}

TEST_F(WatcherTest, NeverMakesWhiteWhatIsNoStranger) {
  own = {address("198.51.100.1"), address("2001:db8::1")};
  WatchConfig config;
  config.never = {or_throw(Prefix::parse("203.0.113.0/28"))};
  make(config);
  const char* const ours[] = {"127.0.0.1", "10.1.2.3",        "172.31.0.1",  "192.168.1.1", "169.254.1.1", "100.100.0.1",
                              "224.0.0.1", "255.255.255.255", "0.0.0.0",     "::1",         "fe80::1",     "fd00::25",
                              "ff02::1",   "198.51.100.1",    "2001:db8::1", "203.0.113.15"};
  for (const char* one : ours) {
    outbound(one);
    EXPECT_FALSE(white(one)) << one;
  }
  EXPECT_EQ(count("out", "ours"), std::size(ours));
  for (const char* stranger : {"172.32.0.1", "100.63.0.1", "203.0.113.16", "198.51.100.2"}) {
    outbound(stranger);
    EXPECT_TRUE(white(stranger)) << stranger;
  }
}

TEST_F(WatcherTest, LearnsNothingOfWhoIsExempt) {
  put(kWhite, "192.0.2.7", kDay);
  PrefixSetBuilder builder;
  builder.add(or_throw(Prefix::parse("192.0.2.0/24")));
  builder.add(or_throw(Prefix::parse("198.51.100.25")));
  host.sets().show(kExempt, std::make_shared<const PrefixSet>(builder.build()));
  inbound("192.0.2.7");
  EXPECT_EQ(white_for("192.0.2.7"), kDay);
  outbound("198.51.100.25");
  EXPECT_FALSE(white("198.51.100.25"));
  EXPECT_EQ(count("in", "ours") + count("out", "ours"), 2u);
  host.sets().show(kExempt, nullptr);  // a reload
  host.clock().advance(10min);
  outbound("198.51.100.25");
  EXPECT_TRUE(white("198.51.100.25"));
}

TEST_F(WatcherTest, SeesThatThisMachineGotAnotherAddress) {
  outbound("198.51.100.25");
  outbound("198.51.100.26");
  EXPECT_EQ(own_asked, 1);
  own = {address("203.0.113.5")};
  host.clock().advance(1min);
  outbound("203.0.113.5");
  EXPECT_FALSE(white("203.0.113.5"));
}

TEST_F(WatcherTest, LeavesOutOtherInterfaces) {
  WatchConfig config;
  config.interfaces = {"em1"};
  make(config);
  outbound("198.51.100.25", "em0");
  EXPECT_FALSE(white("198.51.100.25"));
  EXPECT_EQ(count("out", "other_interface"), 1u);
  outbound("198.51.100.25", "em1");
  EXPECT_TRUE(white("198.51.100.25"));
}

TEST_F(WatcherTest, IgnoresMailOfOursIfToldTo) {
  WatchConfig config;
  config.outbound = false;
  make(config);
  outbound("198.51.100.25");
  EXPECT_FALSE(white("198.51.100.25"));
  put(kWhite, "192.0.2.7", kDay);
  inbound("192.0.2.7");
  EXPECT_EQ(white_for("192.0.2.7"), 36 * kDay);
}

TEST_F(WatcherTest, KeepsRowsForAsLongAsConfigured) {
  WatchConfig config;
  config.white_expiry = 10 * kDay;
  make(config);
  put(kWhite, "192.0.2.7", kDay);
  inbound("192.0.2.7");
  EXPECT_EQ(white_for("192.0.2.7"), 10 * kDay);
}

TEST_F(WatcherTest, CountsAHostOnceInFiveMinutesEachWay) {
  outbound("198.51.100.25");
  or_throw(host.tables().erase(kWhite, or_throw(Prefix::parse("198.51.100.25")), "operator"));
  for (int i = 0; i < 3; ++i) outbound("198.51.100.25");
  EXPECT_FALSE(white("198.51.100.25"));
  EXPECT_EQ(count("out", "repeated"), 3u);
  inbound("198.51.100.25");
  EXPECT_EQ(count("in", "unknown"), 1u);
  host.clock().advance(10min);
  outbound("198.51.100.25");
  EXPECT_TRUE(white("198.51.100.25"));
}

TEST_F(WatcherTest, DropsWhatComesFasterThanTheTablesShouldBear) {
  const auto nth = [](unsigned i) { return Address::v4(0xc6330000 + i); };
  for (unsigned i = 0; i < 6'000; ++i) watcher->inbound(nth(i), "em0");
  EXPECT_EQ(count("in", "unknown"), 5'000u);
  EXPECT_EQ(count("in", "dropped"), 1'000u);
  host.clock().advance(1s);
  for (unsigned i = 6'000; i < 7'000; ++i) watcher->inbound(nth(i), "em0");
  EXPECT_EQ(count("in", "unknown"), 5'500u);
  watcher->inbound(nth(5'999), "em0");  // what was dropped is not taken for done
  EXPECT_EQ(count("in", "repeated"), 0u);
}

TEST_F(WatcherTest, SaysOnceThatTheTablesFailAndMakesUpForItLater) {
  put(kWhite, "192.0.2.7", kDay);
  host.break_store({Errc::io, "disk full"});
  inbound("192.0.2.7");
  outbound("198.51.100.25");
  EXPECT_EQ(count("in", "failed") + count("out", "failed"), 2u);
  EXPECT_EQ(host.log().count("pfbridge.watch_failing"), 1u);
  EXPECT_TRUE(host.log().contains("disk full"));
  host.mend_store();
  inbound("192.0.2.7");
  EXPECT_EQ(white_for("192.0.2.7"), 36 * kDay);
  EXPECT_EQ(host.log().count("pfbridge.watch_recovered"), 1u);
}

TEST_F(WatcherTest, KnowsTheAddressesOfThisMachine) {
  const auto found = Watcher::interface_addresses();
  EXPECT_NE(std::find(found.begin(), found.end(), address("127.0.0.1")), found.end());
}

TEST_F(WatcherTest, ReadsItsSettings) {
  auto yaml = Value::map();
  yaml.set("helper", "unix:/run/deferd/capture.sock");
  yaml.set("outbound", "no");
  yaml.set("white_expiry", "30d");
  yaml.set("interfaces", Value::list()).append("em0");
  yaml.set("never", Value::list()).append("203.0.113.0/28");
  const auto config = read_or_throw<WatchConfig>(yaml);
  EXPECT_EQ(config.helper.text(), "unix:/run/deferd/capture.sock");
  EXPECT_FALSE(config.outbound);
  EXPECT_EQ(config.white_expiry, 30 * kDay);
  EXPECT_EQ(config.interfaces, std::vector<std::string>{"em0"});
  ASSERT_EQ(config.never.size(), 1u);
  yaml.set("interface", "em0");
  EXPECT_THROW(read_or_throw<WatchConfig>(yaml), ConfigError);
}

}  // namespace
}  // namespace deferd::pfbridge
