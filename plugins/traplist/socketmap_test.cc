// Recipients that a map server knows; the server here says what a test wants.
#include "loopback.h"
#include "traplist_fixture.h"

namespace deferd::traplist {
namespace {

TEST(SocketmapPlace, IsWrittenAsPostfixWritesIt) {
  const auto unix_place = SocketmapPlace::parse("unix:/run/map/socket:virtual");
  ASSERT_TRUE(unix_place);
  EXPECT_EQ(unix_place->unix_path, "/run/map/socket");
  EXPECT_EQ(unix_place->map, "virtual");
  const auto v6 = SocketmapPlace::parse("inet:[::1]:2525:users");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->endpoint, (Endpoint{*Address::parse("::1"), 2525}));
  EXPECT_EQ(v6->map, "users");
  for (const auto* wrong : {"", "users", "unix:users", "unix:/run/socket", "unix:/run/socket:", "inet:127.0.0.1:users",
                            "inet:host:2525:users", "inet:127.0.0.1:0:users", "tcp:127.0.0.1:1:users"})
    EXPECT_FALSE(SocketmapPlace::parse(wrong)) << wrong;
}

TEST(Endpoint, IsAnAddressAndAPort) {
  EXPECT_EQ(Codec<Endpoint>::print(*Codec<Endpoint>::parse("192.0.2.1")), "192.0.2.1:25");
  EXPECT_EQ(Codec<Endpoint>::print(*Codec<Endpoint>::parse("2001:db8::1")), "[2001:db8::1]:25");
  EXPECT_EQ(Codec<Endpoint>::print(*Codec<Endpoint>::parse("[2001:db8::1]:2525")), "[2001:db8::1]:2525");
  for (const auto* wrong : {"", ":", ":25", "mx.example.net:25", "192.0.2.1:", "192.0.2.1:65536", "[2001:db8::1]:x"})
    EXPECT_FALSE(Codec<Endpoint>::parse(wrong)) << wrong;
}

class SocketmapTest : public TraplistTest {
 protected:
  /// A server that answers each question by `answer(key)`, as it is to be sent, until the client leaves.
  void serve(std::function<std::string(const std::string& key)> answer) {
    server = std::make_unique<LoopbackServer>([this, answer](int connection) {
      ++connections;
      char question[1000];
      for (ssize_t got; (got = ::recv(connection, question, sizeof(question), 0)) > 0;) {
        const std::string text(question, static_cast<std::size_t>(got));
        const auto key = text.find(':') + 1;
        EXPECT_EQ(text, std::to_string(text.size() - key - 1) + ":" + text.substr(key));
        EXPECT_EQ(text.substr(key, 6), "users ");
        const auto reply = answer(text.substr(key + 6, text.size() - key - 7));
        if (reply.empty()) return;
        say(connection, reply);
      }
    });
    configure(config_of_server());
  }
  Config config_of_server() const {
    Config config;
    config.valid_recipients.socketmap = "inet:" + Codec<Endpoint>::print(server->endpoint()) + ":users";
    config.valid_recipients.timeout = 20s;
    return config;
  }
  void TearDown() override {
    plugin.reset();  // hangs up
    server.reset();
  }
  std::uint64_t failures() { return host.count("deferd_traplist_lookup_failures_total"); }

  std::atomic<int> connections = 0;
  std::unique_ptr<LoopbackServer> server;
};

TEST_F(SocketmapTest, TellsWhoIsThere) {
  std::string asked;
  serve([&](const std::string& key) {
    asked += key + " ";
    return std::string(key == "bert@example.net" || key == "@open.example" ? "3:OK ," : "9:NOTFOUND ,");
  });
  EXPECT_TRUE(is_pass(to("bert@example.net")));
  EXPECT_TRUE(is_pass(to("Bert+x@example.net")));
  EXPECT_TRUE(is_pass(to("x@open.example")));
  EXPECT_EQ(to("emil@example.net").reply.code, 550);
  plugin.reset();
  server->stop();  // what it wrote is ours to read now
  EXPECT_EQ(asked,
            "bert@example.net bert+x@example.net bert@example.net x@open.example @open.example emil@example.net @example.net ");
  EXPECT_EQ(connections, 1);
  EXPECT_EQ(failures(), 0u);
}

TEST_F(SocketmapTest, ConnectsAgainWhereTheServerHungUp) {
  int asked = 0;
  serve([&](const std::string&) { return std::string(++asked == 2 ? "" : "3:OK ,"); });
  EXPECT_TRUE(is_pass(to("bert@example.net")));
  EXPECT_TRUE(is_pass(to("bert@example.net")));
  EXPECT_EQ(connections, 2);
  EXPECT_EQ(failures(), 0u);
}

TEST_F(SocketmapTest, TakesAReplyInPieces) {
  serve([&](const std::string&) { return std::string("9:NOTF"); });
  plugin.reset();
  server.reset();
  server = std::make_unique<LoopbackServer>([](int connection) {
    char byte;
    while (::recv(connection, &byte, 1, 0) == 1 && byte != ',') {
    }
    for (const char c : std::string("9:NOTFOUND ,")) say(connection, {&c, 1});
  });
  configure(config_of_server());
  EXPECT_EQ(to("emil@example.net").reply.code, 550);
}

TEST_F(SocketmapTest, TakesWhomItCannotLookUpForKnown) {
  for (const std::string reply : {"5:TEMP ,", "7:TIMEOUT,", "9:PERM what,", "nonsense", "5:OK", "99999999:", ""}) {
    serve([&](const std::string&) { return reply == "5:OK" ? std::string("5:OK xxx,") : reply; });
    const auto before = failures();
    EXPECT_TRUE(is_pass(to("emil@example.net"))) << reply;
    EXPECT_EQ(failures(), before + 1) << reply;
    plugin.reset();
    server.reset();
  }
  serve([](const std::string&) { return std::string("3:OK ,"); });
  server->stop();
  EXPECT_TRUE(is_pass(to("emil@example.net")));
  EXPECT_TRUE(host.log().contains("traplist.map_failing"));
}

TEST_F(SocketmapTest, WaitsNoLongerThanTold) {
  serve([](const std::string&) { return std::string("3:OK"); });  // never ends
  auto config = config_of_server();
  config.valid_recipients.timeout = 20ms;
  configure(config);
  EXPECT_TRUE(is_pass(to("emil@example.net")));
  EXPECT_EQ(failures(), 1u);
}

TEST_F(SocketmapTest, WaitsNoLongerThanTheHookMay) {
  serve([](const std::string&) { return std::string("3:OK"); });
  auto config = config_of_server();
  config.valid_recipients.timeout = 10min;
  configure(config);
  time_for_a_hook = 20ms;
  EXPECT_TRUE(is_pass(to("emil@example.net")));
  EXPECT_EQ(failures(), 1u);
}

// Three questions, of which each alone would be in time.
TEST_F(SocketmapTest, HasOneTimeForAllQuestions) {
  serve([](const std::string&) {
    ::poll(nullptr, 0, 400);  // a server that thinks
    return std::string("9:NOTFOUND ,");
  });
  auto config = config_of_server();
  config.valid_recipients.timeout = 600ms;
  configure(config);
  EXPECT_TRUE(is_pass(to("emil+x@example.net")));
  EXPECT_EQ(failures(), 1u);
}

TEST_F(SocketmapTest, LetsAServerAloneForASecondAfterAFailure) {
  std::atomic<int> asked = 0;
  serve([&](const std::string&) {
    ++asked;
    return std::string("5:TEMP ,");
  });
  EXPECT_TRUE(is_pass(to("emil@example.net")));
  EXPECT_EQ(asked, 1);
  after(999ms);
  EXPECT_TRUE(is_pass(to("emil@example.net")));
  EXPECT_EQ(asked, 1);
  after(1ms);
  EXPECT_TRUE(is_pass(to("emil@example.net")));
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(failures(), 2u);
}

TEST_F(SocketmapTest, TellsOfARecoveryOnceAMinute) {
  std::atomic<bool> up = false;
  serve([&](const std::string&) { return std::string(up ? "3:OK ," : "5:TEMP ,"); });
  for (int i = 0; i < 20; ++i) {  // in ten of the 20 seconds it fails
    up = i % 2 == 1;
    to("bert@example.net");
    after(1s);
  }
  EXPECT_EQ(host.log().count("traplist.map_failing"), 2u);
  EXPECT_EQ(host.log().count("traplist.map_recovered"), 1u);
  after(1min);
  to("bert@example.net");
  EXPECT_EQ(host.log().count("traplist.map_failing"), 2u);
  EXPECT_EQ(host.log().count("traplist.map_recovered"), 2u);
}

}  // namespace
}  // namespace deferd::traplist
