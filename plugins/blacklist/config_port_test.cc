#include "config_port.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <thread>

#include "deferd/testing/fake_host.h"
#include "testing_support.h"

namespace deferd::blacklist {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(PortAddress, IsALoopbackAddressAndAPort) {
  EXPECT_EQ(PortAddress::parse("127.0.0.1:8026")->to_string(), "127.0.0.1:8026");
  EXPECT_EQ(PortAddress::parse("[::1]:8026")->to_string(), "[::1]:8026");
  for (const auto* text : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "192.0.2.1:8026", "0.0.0.0:8026",
                           "[::]:8026", "::1:8026", "localhost:8026", "[127.0.0.1]:8026"})
    EXPECT_FALSE(PortAddress::parse(text)) << text;
}

TEST(PortAddress, MayConfigureOnlyFromHereAndOnlyByRoot) {
  EXPECT_TRUE(PortAddress::parse("127.0.0.1:1023")->may_configure());
  EXPECT_TRUE(PortAddress::parse("[::1]:600")->may_configure());
  EXPECT_FALSE(PortAddress::parse("127.0.0.1:1024")->may_configure());
  EXPECT_FALSE((PortAddress{*Address::parse("192.0.2.1"), 1023}).may_configure());
}

class ConfigPortTest : public ::testing::Test {
 protected:
  /// The test's own port is not below 1024, unless root runs it.
  void listen(ConfigPort::MayConfigure may = [](const PortAddress&) { return true; }) {
    port.reset();
    socket = *ConfigSocket::open(*PortAddress::parse("127.0.0.1:0"));
    port = std::make_unique<ConfigPort>(socket, copies, host, may);
  }
  /// As spamd-setup(8): connects, says it, closes.
  void send(const std::string& text) const {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_storage place;
    const auto length = socket->bound().fill(place);
    ASSERT_EQ(::connect(descriptor, reinterpret_cast<sockaddr*>(&place), length), 0);
    std::string_view rest = text;
    while (!rest.empty()) {
      const auto sent = ::send(descriptor, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent <= 0) break;
      rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    ::close(descriptor);
  }
  std::uint64_t lines(std::string_view result) const {
    return host.count("deferd_blacklist_port_lines_total", {{"result", result}});
  }
  bool wait_for_lines(std::string_view result, std::uint64_t count) const {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (lines(result) < count && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    return lines(result) == count;
  }
  std::vector<std::string> tags() const {
    std::vector<std::string> tags;
    for (const auto& pushed : port->lists().all()) tags.push_back(pushed->line.tag + ":" + std::to_string(pushed->line.entries));
    return tags;
  }

  FakeHost host{"blacklist"};
  TestFolder folder;
  Copies copies{folder.file("copies")};
  std::shared_ptr<ConfigSocket> socket;
  std::unique_ptr<ConfigPort> port;
};

TEST_F(ConfigPortTest, TakesBothFormsOfTheLine) {
  listen();
  send("uatraps;\"You are listed\";inet;2;192.0.2.0/24;198.51.100.7/32\n");
  send("old;\"You are listed\";203.0.113.0/24\n\nsix;\"m\";inet6;1;2001:db8::/32\n");
  ASSERT_TRUE(wait_for_lines("taken", 3));
  EXPECT_THAT(tags(), ElementsAre("uatraps:2", "old:1", "six:1"));
  EXPECT_TRUE(port->lists().all().at(0)->line.set.contains(*Address::parse("192.0.2.7")));
}

TEST_F(ConfigPortTest, ReplacesTheListOfATagAndEmptiesIt) {
  listen();
  send("a;\"one\";192.0.2.0/24\nb;\"two\";198.51.100.0/24\na;\"three\";203.0.113.0/24;203.0.112.0/24\nb;\n");
  ASSERT_TRUE(wait_for_lines("taken", 4));
  EXPECT_THAT(tags(), ElementsAre("a:2", "b:0"));
  EXPECT_EQ(port->lists().all().at(0)->line.message, "three");
}

TEST_F(ConfigPortTest, KeepsTheFormerListWhenALineIsWrong) {
  listen();
  send("a;\"one\";192.0.2.0/24\n");
  ASSERT_TRUE(wait_for_lines("taken", 1));
  send("a;\"two\";inet;5;198.51.100.0/24\na;\"two\";inet;1;0.0.0.0/1\nGET / HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(wait_for_lines("refused", 3));
  EXPECT_THAT(tags(), ElementsAre("a:1"));
  EXPECT_EQ(port->lists().all().at(0)->line.message, "one");
  EXPECT_TRUE(host.log().contains("'a' covers too much"));
}

TEST_F(ConfigPortTest, HearsOutALastLineWithoutItsEndIfItCounts) {
  listen();
  send("a;\"one\";inet;1;192.0.2.0/24");
  ASSERT_TRUE(wait_for_lines("taken", 1));
  send("a;\"one\";198.51.100.0/24;203.0.113.0/24");  // the older form: perhaps not all of it
  ASSERT_TRUE(wait_for_lines("refused", 1));
  send("a;");
  ASSERT_TRUE(wait_for_lines("refused", 2));
  EXPECT_THAT(tags(), ElementsAre("a:1"));
  EXPECT_TRUE(port->lists().all().at(0)->line.set.contains(*Address::parse("192.0.2.7")));
}

TEST_F(ConfigPortTest, BoundsTheNumberOfLists) {
  listen();
  std::string text;
  for (std::size_t i = 0; i <= PushedLists::kMostLists; ++i) text += "t" + std::to_string(i) + ";\"m\";192.0.2.0/24\n";
  send(text);
  ASSERT_TRUE(wait_for_lines("refused", 1));
  EXPECT_EQ(port->lists().all().size(), PushedLists::kMostLists);
}

TEST_F(ConfigPortTest, ListensToNobodyWithAnUnprivilegedPort) {
  listen([](const PortAddress& caller) { return PortAddress{caller.address, 40000}.may_configure(); });
  send("a;\"one\";192.0.2.0/24\n");
  ASSERT_TRUE(wait_for_lines("refused", 1));
  EXPECT_THAT(tags(), IsEmpty());
  EXPECT_TRUE(host.log().contains("warning blacklist.refused caller=127.0.0.1:"));
}

TEST_F(ConfigPortTest, SurvivesARestart) {
  listen();
  send("a;\"one\";192.0.2.0/24\nb;\"two\";198.51.100.0/24\nb;\n");
  ASSERT_TRUE(wait_for_lines("taken", 3));
  host.clock().advance(1h);
  listen();
  EXPECT_THAT(tags(), ElementsAre("a:1"));
  EXPECT_EQ(port->lists().all().at(0)->line.message, "one");
  EXPECT_EQ(port->lists().all().at(0)->came, host.clock().now() - 1h);
}

TEST_F(ConfigPortTest, TakesNoCopyThatIsNotItsOwn) {
  auto copy = copies.start("port.a", "https://x.example/list");
  copy.append("a;\"one\";192.0.2.0/24");
  ASSERT_TRUE(copy.keep({}, {}, {}));
  listen();
  EXPECT_THAT(tags(), IsEmpty());
  EXPECT_TRUE(copies.size("port.a"));
}

TEST_F(ConfigPortTest, IsSharedWithTheNextConfiguration) {
  listen();
  ConfigPort next(socket, copies, host, [](const PortAddress&) { return true; });
  send("a;\"one\";192.0.2.0/24\n");
  ASSERT_TRUE(wait_for_lines("taken", 1));
  port.reset();
  send("b;\"one\";192.0.2.0/24\n");
  ASSERT_TRUE(wait_for_lines("taken", 2));
  EXPECT_EQ(next.lists().all().size(), 2u);
}

TEST_F(ConfigPortTest, EndsWhileSomebodyIsSpeaking) {
  listen();
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_storage place;
  const auto length = socket->bound().fill(place);
  ASSERT_EQ(::connect(descriptor, reinterpret_cast<sockaddr*>(&place), length), 0);
  ASSERT_EQ(::send(descriptor, "a;", 2, MSG_NOSIGNAL), 2);
  port.reset();
  ::close(descriptor);
}

TEST_F(ConfigPortTest, SaysThatItsPlaceIsTaken) {
  listen();
  const auto other = ConfigSocket::open(socket->bound());
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().what, HasSubstr("config_port: 127.0.0.1:"));
}

}  // namespace
}  // namespace deferd::blacklist
