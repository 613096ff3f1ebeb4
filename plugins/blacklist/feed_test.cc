#include "feed.h"

#include <gmock/gmock.h>

#include "deferd/testing/fake_host.h"
#include "testing_server.h"
#include "testing_support.h"

namespace deferd::blacklist {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

/// A list by HTTP, looked at each hour.
class FeedTest : public ::testing::Test {
 protected:
  FeedTest() {
    spec.name = "traps";
    spec.source = {SourceSpec::Kind::url, server.url(), {}};
    spec.every = 1h;
    spec.max_age = 24h;
    spec.timeout = 20s;
    spec.min_entries = 1;
    spec.max_entries = 1000;
    spec.max_bytes = 1 << 20;
    spec.max_ipv4 = 100'000;
    spec.max_ipv6 = 1000;
  }
  void remake() { feed = std::make_unique<Feed>(spec); }
  /// Empty, or what was wrong.
  std::string refresh() {
    const auto done = feed->refresh(tools());
    return done ? "" : done.error().what;
  }
  std::string refresh_with(const std::string& body) {
    server.say(TestServer::ok(body));
    return refresh();
  }
  bool lists(std::string_view client) const { return feed->contains(*Address::parse(client)); }
  Tools tools() { return {host.clock(), host.log(), copies, stop, host.commands()}; }

  FakeHost host{"blacklist"};
  TestFolder folder;
  Copies copies{folder.file("copies")};
  std::atomic<bool> stop{false};
  TestServer server;
  FeedSpec spec;
  std::unique_ptr<Feed> feed;
};

TEST_F(FeedTest, ListsWhatItsSourceHolds) {
  remake();
  EXPECT_TRUE(feed->due(host.clock().now()));
  EXPECT_EQ(feed->status().state, FeedState::empty);
  EXPECT_EQ(refresh_with("192.0.2.0/24\n2001:db8::/64\n"), "");
  EXPECT_TRUE(lists("192.0.2.7"));
  EXPECT_TRUE(lists("2001:db8::7"));
  EXPECT_FALSE(lists("198.51.100.7"));
  const auto status = feed->status();
  EXPECT_EQ(status.state, FeedState::good);
  EXPECT_FALSE(status.alarm());
  EXPECT_EQ(status.entries, 2u);
  EXPECT_EQ(status.coverage, (Coverage{256, 1}));
  EXPECT_EQ(status.checked, host.clock().now());
  EXPECT_TRUE(host.log().contains("info blacklist.loaded list=traps entries=2 ipv4=256 ipv6_networks=1 bad_lines=0"));
}

TEST_F(FeedTest, UnpacksWhateverTheNameIs) {
  remake();
  EXPECT_EQ(refresh_with(packed("192.0.2.7\n")), "");
  EXPECT_TRUE(lists("192.0.2.7"));
}

TEST_F(FeedTest, IsDueAboutEachHour) {
  remake();
  refresh_with("192.0.2.7\n");
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(feed->due(host.clock().now() + 53min));
    EXPECT_TRUE(feed->due(host.clock().now() + 66min + 1s));
    host.clock().advance(1h);
    refresh();
  }
}

TEST_F(FeedTest, IsDueWhenTheClockWasSetBack) {
  remake();
  refresh_with("192.0.2.7\n");
  EXPECT_TRUE(feed->due(host.clock().now() - 24h * 365));
}

TEST_F(FeedTest, KeepsTheFormerListWhateverComesInstead) {
  remake();
  ASSERT_EQ(refresh_with("192.0.2.7\n"), "");
  const auto ok = [](const std::string& body) { return TestServer::ok(body); };
  const std::pair<std::string, std::string> cases[] = {
      {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "the server answers 404"},
      {"HTTP/1.1 500 Oops\r\nContent-Length: 10\r\n\r\n192.0.2.1\n", "the server answers 500"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n198.51.100.7\n", ""},
      {"", ""},
      {ok(""), "has only 0 entries, at least 1 are expected"},
      {ok("# moved\n"), "has only 0 entries, at least 1 are expected"},
      {ok("<html>\n<p>\n198.51.100.7\n</html>\n"),
       "is no list: 3 lines cannot be read, first line 1: '<html>' is no address and no prefix"},
      {ok("198.51.0.0/15\n"), "covers too much: 131072 IPv4 addresses, at most 100000 are allowed"},
      {ok("2001:db8::/32\n"), "covers too much: 4294967296 IPv6 networks (/64), at most 1000 are allowed"},
      {ok(packed("198.51.100.7\n").substr(0, 20)), "is cut off: the packed data does not end"},
      {ok(packed(std::string(10 << 20, '\n'))), "is larger than 1048576 bytes when unpacked"},
      {ok(std::string(2 << 20, '\n')), "is larger than 1048576 bytes"},
      {"HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: /list\r\nContent-Length: 0\r\n\r\n", ""},
  };
  for (const auto& [answer, error] : cases) {
    host.clock().advance(1h);
    server.say(answer);
    const auto wrong = refresh();
    EXPECT_NE(wrong, "") << answer.substr(0, 100);
    if (!error.empty()) {
      EXPECT_EQ(wrong, error);
    }
    EXPECT_TRUE(lists("192.0.2.7")) << answer.substr(0, 100);
    EXPECT_FALSE(lists("198.51.100.7")) << answer.substr(0, 100);
    EXPECT_EQ(feed->status().state, FeedState::failing);
    EXPECT_TRUE(feed->status().alarm());
    EXPECT_EQ(feed->status().error, wrong);
  }
  EXPECT_EQ(refresh_with("198.51.100.7\n"), "");
  EXPECT_TRUE(lists("198.51.100.7"));
  EXPECT_FALSE(feed->status().alarm());
  EXPECT_TRUE(host.log().contains("notice blacklist.recovered list=traps"));
}

TEST_F(FeedTest, KeepsTheFormerListIfThereAreTooManyEntries) {
  spec.max_entries = 2;
  remake();
  ASSERT_EQ(refresh_with("192.0.2.7\n"), "");
  EXPECT_EQ(refresh_with("192.0.2.1\n192.0.2.2\n192.0.2.3\n"), "has more than 2 entries");
  EXPECT_TRUE(lists("192.0.2.7"));
}

TEST_F(FeedTest, TellsOfAFailureOnceAndTriesAgainSooner) {
  remake();
  refresh_with("192.0.2.7\n");
  server.say("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  refresh();
  EXPECT_FALSE(feed->due(host.clock().now() + 50s));
  EXPECT_TRUE(feed->due(host.clock().now() + 67s));
  refresh();
  EXPECT_FALSE(feed->due(host.clock().now() + 100s));
  for (int i = 0; i < 20; ++i) refresh();
  EXPECT_TRUE(feed->due(host.clock().now() + 66min + 1s));
  EXPECT_EQ(host.log().count("warning blacklist.failing list=traps source=" + server.url() + " error=the server answers 404"),
            1u);
  server.say("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
  refresh();
  EXPECT_EQ(host.log().count("blacklist.failing"), 2u);
}

TEST_F(FeedTest, BelievesThatNothingIsNew) {
  remake();
  server.say(TestServer::ok("192.0.2.7\n", "ETag: \"one\"\r\n"));
  ASSERT_EQ(refresh(), "");
  server.say("HTTP/1.1 304 Not Modified\r\n\r\n");
  host.clock().advance(1h);
  EXPECT_EQ(refresh(), "");
  EXPECT_TRUE(lists("192.0.2.7"));
  EXPECT_THAT(server.requests().at(1), HasSubstr("If-None-Match: \"one\""));
  EXPECT_EQ(feed->status().checked, host.clock().now());
  EXPECT_EQ(feed->status().fetched, host.clock().now() - 1h);
  EXPECT_EQ(copies.open("traps")->head().checked, host.clock().now());
}

TEST_F(FeedTest, DoesNotForgetWhatItAskedForAfterABadAnswer) {
  remake();
  server.say(TestServer::ok("192.0.2.7\n", "ETag: \"one\"\r\n"));
  ASSERT_EQ(refresh(), "");
  server.say(TestServer::ok("<html>\n", "ETag: \"two\"\r\n"));
  ASSERT_NE(refresh(), "");
  refresh();
  EXPECT_THAT(server.requests().at(2), HasSubstr("If-None-Match: \"one\""));
}

TEST_F(FeedTest, TakesOnlyWhatHasItsChecksum) {
  spec.sha256 = sha256_of("192.0.2.7\n");  // of what comes, packed or not
  EXPECT_EQ(sha256_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  remake();
  EXPECT_EQ(refresh_with("192.0.2.7\n"), "");
  EXPECT_EQ(refresh_with("192.0.2.7\n198.51.100.7\n"), "has the checksum " + sha256_of("192.0.2.7\n198.51.100.7\n"));
  EXPECT_FALSE(lists("198.51.100.7"));
}

TEST_F(FeedTest, IsThereAfterARestartBeforeAnyNetwork) {
  remake();
  server.say(TestServer::ok(packed("192.0.2.7\n"), "ETag: \"one\"\r\n"));
  ASSERT_EQ(refresh(), "");
  const auto before = host.clock().now();
  host.clock().advance(20min);
  remake();
  feed->read_copy(tools());
  EXPECT_TRUE(lists("192.0.2.7"));
  EXPECT_EQ(server.requests().size(), 1u);
  EXPECT_EQ(feed->status().checked, before);
  EXPECT_FALSE(feed->due(host.clock().now()));  // it is 20 minutes old: not all lists at each restart
  EXPECT_TRUE(feed->due(before + 67min));
  server.say("HTTP/1.1 304 Not Modified\r\n\r\n");
  EXPECT_EQ(refresh(), "");
  EXPECT_THAT(server.requests().at(1), HasSubstr("If-None-Match: \"one\""));
}

TEST_F(FeedTest, TakesNoCopyOfAnotherSourceAndNoneThatIsDamagedOrTooOld) {
  remake();
  ASSERT_EQ(refresh_with("192.0.2.7\n"), "");
  const auto good = folder.read("copies/traps.list");

  spec.source.place = server.url("/another");
  remake();
  feed->read_copy(tools());
  EXPECT_FALSE(lists("192.0.2.7"));

  spec.source.place = server.url();
  folder.write("copies/traps.list", "rubbish");
  remake();
  feed->read_copy(tools());
  EXPECT_FALSE(lists("192.0.2.7"));
  EXPECT_TRUE(host.log().contains("warning blacklist.no-copy list=traps"));
  EXPECT_TRUE(feed->due(host.clock().now()));

  folder.write("copies/traps.list", good);
  copies.touch("traps", host.clock().now() - 24h);
  remake();
  feed->read_copy(tools());
  EXPECT_FALSE(lists("192.0.2.7"));
}

TEST_F(FeedTest, IsNotUsedAnyMoreWhenNothingConfirmsIt) {
  remake();
  refresh_with("192.0.2.7\n");
  server.say("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  host.clock().advance(24h - 1s);
  refresh();
  feed->drop_if_too_old(tools());
  EXPECT_TRUE(lists("192.0.2.7"));
  host.clock().advance(1s);
  EXPECT_FALSE(feed->due(host.clock().now()));
  feed->drop_if_too_old(tools());
  EXPECT_TRUE(feed->due(host.clock().now()));
  EXPECT_FALSE(lists("192.0.2.7"));
  EXPECT_EQ(feed->status().state, FeedState::too_old);
  EXPECT_EQ(feed->status().entries, 0u);
  EXPECT_TRUE(host.log().contains("warning blacklist.too-old list=traps"));
  EXPECT_EQ(refresh_with("192.0.2.7\n"), "");  // the same bytes as before
  EXPECT_TRUE(lists("192.0.2.7"));
}

TEST_F(FeedTest, KeepsAWhiteListHoweverOldItIs) {
  spec.white = true;
  remake();
  refresh_with("192.0.2.7\n");
  host.clock().advance(24h);
  feed->drop_if_too_old(tools());
  feed->drop_if_too_old(tools());
  EXPECT_TRUE(lists("192.0.2.7"));
  EXPECT_EQ(feed->status().state, FeedState::too_old);
  EXPECT_TRUE(feed->status().alarm());
  EXPECT_EQ(feed->status().entries, 1u);
  EXPECT_EQ(host.log().count("warning blacklist.too-old list=traps"), 1u);
  remake();
  feed->read_copy(tools());  // the same after a restart
  EXPECT_TRUE(lists("192.0.2.7"));
  feed->drop_if_too_old(tools());
  EXPECT_TRUE(feed->status().alarm());
  EXPECT_EQ(refresh_with("192.0.2.7\n"), "");
  EXPECT_FALSE(feed->status().alarm());
}

TEST_F(FeedTest, KnowsWhetherItWasEverLoaded) {
  remake();
  EXPECT_FALSE(feed->was_loaded());
  ASSERT_NE(refresh_with(""), "");
  EXPECT_FALSE(feed->was_loaded());
  ASSERT_EQ(refresh_with("192.0.2.7\n"), "");
  EXPECT_TRUE(feed->was_loaded());
  remake();
  feed->read_copy(tools());
  EXPECT_TRUE(feed->was_loaded());
}

TEST_F(FeedTest, WritesACopyLaterThatCouldNotBeWritten) {
  remake();
  ASSERT_EQ(refresh_with("198.51.100.7\n"), "");
  folder.write("file", "");
  const Copies broken(folder.file("file"));
  server.say(TestServer::ok("192.0.2.7\n", "ETag: \"two\"\r\n"));
  const auto came = host.clock().now();
  ASSERT_TRUE(feed->refresh({host.clock(), host.log(), broken, stop, host.commands()}));
  EXPECT_TRUE(host.log().contains("warning blacklist.copy-failed list=traps"));
  host.clock().advance(1h);
  ASSERT_EQ(refresh(), "");  // nothing new, but there is no copy of it
  EXPECT_THAT(server.requests().at(2), Not(HasSubstr("If-None-Match")));
  const auto copy = copies.open("traps");
  ASSERT_TRUE(copy);
  EXPECT_EQ(body_of(copies, "traps"), "192.0.2.7\n");
  EXPECT_EQ(copy->head().validators.etag, "\"two\"");
  EXPECT_EQ(copy->head().fetched, came);
  EXPECT_EQ(copy->head().checked, host.clock().now());
  ASSERT_EQ(refresh(), "");
  EXPECT_THAT(server.requests().at(3), HasSubstr("If-None-Match"));
}

TEST_F(FeedTest, LeavesTheCopyAloneWhateverComesInstead) {
  remake();
  ASSERT_EQ(refresh_with(packed("192.0.2.7\n")), "");
  const auto good = folder.read("copies/traps.list");
  for (const auto& answer : {TestServer::ok("<html>\n"), TestServer::ok(packed("198.51.100.7\n").substr(0, 20)),
                             std::string("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n198.51.100.7\n")}) {
    server.say(answer);
    EXPECT_NE(refresh(), "");
    EXPECT_EQ(folder.read("copies/traps.list"), good);
  }
  server.say(TestServer::ok(packed("192.0.2.7\n")));  // once more, by a server that knows no conditions
  host.clock().advance(1h);
  EXPECT_EQ(refresh(), "");
  EXPECT_EQ(folder.read("copies/traps.list"), good);
  EXPECT_EQ(host.log().count("blacklist.loaded"), 1u);
  EXPECT_EQ(copies.open("traps")->head().checked, host.clock().now());
  const auto files = std::filesystem::directory_iterator(folder.file("copies"));
  EXPECT_EQ(std::distance(begin(files), end(files)), 1) << "nothing is left of what was not kept";
}

TEST_F(FeedTest, ReadsItsCopyOnceMoreWhenItWasStoppedThen) {
  remake();
  ASSERT_EQ(refresh_with("192.0.2.7\n"), "");
  remake();
  stop = true;
  feed->read_copy(tools());
  EXPECT_FALSE(lists("192.0.2.7"));
  EXPECT_FALSE(host.log().contains("blacklist.no-copy"));
  stop = false;
  feed->read_copy(tools());
  EXPECT_TRUE(lists("192.0.2.7"));
}

TEST_F(FeedTest, LeavesTheCopyToAnotherOfItsName) {
  remake();
  spec.max_entries = 500;
  auto other = std::make_shared<Feed>(spec);
  feed->give_way_to(other);
  ASSERT_EQ(refresh_with("192.0.2.7\n"), "");
  EXPECT_FALSE(copies.size("traps"));
  server.say(TestServer::ok("198.51.100.7\n"));
  ASSERT_TRUE(other->refresh(tools()));
  const auto before = host.clock().now();
  host.clock().advance(1h);
  ASSERT_EQ(refresh_with("192.0.2.7\n"), "");
  EXPECT_EQ(copies.open("traps")->head().checked, before);
  other.reset();  // a reload that came to nothing
  ASSERT_EQ(refresh(), "");
  EXPECT_EQ(body_of(copies, "traps"), "192.0.2.7\n");
}

TEST_F(FeedTest, SaysInWhichRoundItsHurryIsOver) {
  remake();
  server.say(TestServer::ok("192.0.2.7\n"));
  EXPECT_EQ(feed->hurry(), 1u);
  EXPECT_EQ(feed->hurry(), 1u);
  ASSERT_EQ(refresh(), "");
  EXPECT_EQ(feed->hurry(), 2u);
}

TEST_F(FeedTest, ReadsAFileWhenItChanges) {
  spec.source = {SourceSpec::Kind::file, folder.write("black", "192.0.2.7\n"), {}};
  remake();
  EXPECT_EQ(refresh(), "");
  EXPECT_TRUE(lists("192.0.2.7"));
  EXPECT_EQ(refresh(), "");
  EXPECT_EQ(host.log().count("blacklist.loaded"), 1u);
  folder.write("black", "198.51.100.7\nbad\n");
  EXPECT_EQ(refresh(), "");
  EXPECT_FALSE(lists("192.0.2.7"));
  EXPECT_TRUE(lists("198.51.100.7"));
  EXPECT_TRUE(host.log().contains("notice blacklist.line list=traps remark=line 2: 'bad' is no address and no prefix"));
  std::filesystem::remove(folder.file("black"));
  EXPECT_THAT(refresh(), HasSubstr("No such file"));
  EXPECT_TRUE(lists("198.51.100.7"));
  EXPECT_FALSE(copies.size("traps"));
}

TEST_F(FeedTest, ReadsEntriesOfTheConfigurationOnce) {
  spec.source = {SourceSpec::Kind::entries, "", {"192.0.2.7", "198.51.100.1 - 198.51.100.9"}};
  spec.every = 0s;
  remake();
  EXPECT_EQ(refresh(), "");
  EXPECT_TRUE(lists("198.51.100.5"));
  EXPECT_FALSE(feed->due(host.clock().now() + 24h * 365));
}

TEST_F(FeedTest, SaysWhereAnAddressStands) {
  remake();
  refresh_with(packed("# traps\n192.0.2.0/24 # spammers\n"));
  const auto place = feed->find(*Address::parse("192.0.2.7"), copies);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->line, 2u);
  EXPECT_EQ(place->entry, "192.0.2.0/24 # spammers");
  EXPECT_FALSE(feed->find(*Address::parse("198.51.100.7"), copies));
}

TEST_F(FeedTest, CanBeAskedWhileItIsLoaded) {
  spec.timeout = 10min;  // longer than this takes anywhere
  remake();
  refresh_with("192.0.2.7\n");
  server.say([](const std::string&) {
    return TestServer::Answer{"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n198.51.100.7\n", true};
  });
  std::thread loader([&] { refresh(); });
  const auto half = [&] { return feed->status().bytes == 13 && feed->status().total == 1000; };
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (!half() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  EXPECT_TRUE(half());
  EXPECT_TRUE(feed->status().loading);
  EXPECT_TRUE(lists("192.0.2.7"));
  EXPECT_EQ(refresh(), "traps is being loaded just now");
  EXPECT_FALSE(feed->due(host.clock().now() + 24h));
  EXPECT_EQ(feed->hurry(), 3u);  // the one at work may have seen the former content
  EXPECT_FALSE(feed->due(host.clock().now()));
  stop = true;
  loader.join();
  EXPECT_FALSE(feed->status().loading);
  EXPECT_EQ(feed->status().state, FeedState::good);  // being stopped is no failure
  EXPECT_TRUE(feed->due(host.clock().now()));        // the wish to hurry holds for the next one
}

}  // namespace
}  // namespace deferd::blacklist
