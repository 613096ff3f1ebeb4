// What the server does when there are too many clients, and when the system has no room for more.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smtp/server_fixture.h"

namespace deferd::smtp {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr auto kBusy = "421 4.7.0 Too many connections, please try again later";

class ServerLimitsTest : public ServerFixture {
 protected:
  ServerLimitsTest() { script.pace = {.per_byte = 1h}; }

  /// One that is kept busy: it waits for the first byte of a reply.
  std::unique_ptr<TestClient> held(const std::string& from) {
    const auto before = gauge("deferd_smtp_held");
    auto one = introduced(from);
    one->send("RCPT TO:<held@example.net>\r\n");
    wait_for([&] { return gauge("deferd_smtp_held") != before || value("deferd_smtp_released_total") > 0; }, "it to be held");
    return one;
  }
};

TEST_F(ServerLimitsTest, RefusesMoreThanTheTotal) {
  config.limits.total = 2;
  start();
  auto first = client("127.0.1.1"), second = client("127.0.2.1");
  TestClient third(where(), "127.0.3.1");
  EXPECT_EQ(third.reply(), kBusy);
  EXPECT_EQ(third.reply(), "(closed)");
  EXPECT_TRUE(log.contains("notice smtp.refused client=127.0.3.1 reason=too many connections"));
  EXPECT_EQ(value("deferd_smtp_refused_total"), 1u);
  first.reset();
  wait_for([&] { return gauge("deferd_smtp_connections") == "1"; }, "the first to be gone");
  client("127.0.3.1");
}

TEST_F(ServerLimitsTest, ReleasesAHeldClientForANewOneAtOnce) {
  config.limits.total = 3;
  start();
  auto first = held("127.0.1.1"), second = held("127.0.2.1"), third = held("127.0.3.1");
  client("127.0.4.1");
  EXPECT_EQ(first->reply(), "250 2.1.5 OK");
  EXPECT_EQ(first->reply(), kBusy);
  EXPECT_EQ(first->reply(), "(closed)");
  EXPECT_EQ(value("deferd_smtp_released_total"), 1u);
  EXPECT_TRUE(second->hears_nothing_for(0ms));
}

TEST_F(ServerLimitsTest, KeepsNoMoreBusyThanAllowed) {
  config.limits.kept = 2;
  start();
  auto first = held("127.0.1.1"), second = held("127.0.2.1"), third = held("127.0.3.1");
  EXPECT_EQ(first->reply(), "250 2.1.5 OK");
  EXPECT_EQ(first->reply(), kBusy);
  EXPECT_TRUE(second->hears_nothing_for(0ms));
  EXPECT_TRUE(third->hears_nothing_for(0ms));
  wait_for([&] { return gauge("deferd_smtp_held") == "2"; }, "the first to be gone");
}

TEST_F(ServerLimitsTest, RefusesMoreOfOneNetwork) {
  config.limits.per_prefix = 2;
  start();
  auto first = client("127.0.1.1"), second = client("127.0.1.2");
  TestClient third(where(), "127.0.1.3");
  EXPECT_EQ(third.reply(), kBusy);
  client("127.0.2.1");
}

TEST_F(ServerLimitsTest, RefusesNetworksThatComeTooOften) {
  config.limits.new_per_prefix = 3;
  start();
  for (int i = 0; i < 3; ++i) client("127.0.1.1");
  TestClient fourth(where(), "127.0.1.2");
  EXPECT_EQ(fourth.reply(), kBusy);
  client("127.0.2.1");
}

TEST_F(ServerLimitsTest, LimitsClientsBehindABalancerByTheirOwnNetwork) {
  config.proxy_from = {*Prefix::parse("127.0.9.0/24")};
  config.limits.per_prefix = 1;
  start();
  TestClient first(where(), "127.0.9.1"), second(where(), "127.0.9.1"), third(where(), "127.0.9.1");
  EXPECT_EQ(first.ask("PROXY TCP4 192.0.2.7 198.51.100.1 4711 25"), "220 mx.example ESMTP");
  EXPECT_EQ(second.ask("PROXY TCP4 192.0.2.8 198.51.100.1 4711 25"), kBusy);
  EXPECT_EQ(third.ask("PROXY TCP4 203.0.113.8 198.51.100.1 4711 25"), "220 mx.example ESMTP");
  EXPECT_TRUE(log.contains("smtp.connected client=192.0.2.7"));
}

TEST_F(ServerLimitsTest, TakesThePROXYHeaderOnAUnixSocketToo) {
  config.proxy_from = {*Prefix::parse("127.0.0.1/32")};
  addresses = {*SmtpAddress::parse("unix:" + folder.file("smtp.sock"))};
  start();
  TestClient one(where());
  EXPECT_EQ(one.ask("PROXY TCP6 2001:db8::7 2001:db8::1 4711 25"), "220 mx.example ESMTP");
  EXPECT_TRUE(log.contains("smtp.connected client=2001:db8::7"));
}

TEST_F(ServerLimitsTest, TakesNewLimitsAtAReload) {
  config.limits.total = 1;
  start();
  auto first = client("127.0.1.1");
  TestClient second(where(), "127.0.2.1");
  EXPECT_EQ(second.reply(), kBusy);
  config.limits.total = 2;
  config.texts.banner = "%h new";
  configure();
  TestClient third(where(), "127.0.3.1");
  EXPECT_EQ(third.reply(), "220 mx.example new");
}

TEST_F(ServerLimitsTest, SaysOfWhatARestartIsNeeded) {
  start();
  EXPECT_EQ(server->why_restart(addresses, config), "");
  config.threads = 3;
  config.workers = 7;
  addresses.push_back(*SmtpAddress::parse("[::1]:0"));
  config.socket_mode.bits = 0666;  // of no socket that was there
  EXPECT_EQ(server->why_restart(addresses, config), "listen.smtp, smtp.threads, smtp.workers");
}

// ---- slow ones, in every state

TEST_F(ServerLimitsTest, EndsWhoIsTooSlowInWhateverState) {
  config.limits.idle = 1s;
  script.pace = {};
  start();
  auto silent = client();
  auto helo = client();
  EXPECT_EQ(helo->ask("EHLO client.example").substr(0, 3), "250");
  auto mail = introduced();
  auto rcpt = introduced();
  EXPECT_EQ(rcpt->ask("RCPT TO:<held@example.net>"), "250 2.1.5 OK");
  auto data = introduced();
  EXPECT_EQ(data->ask("RCPT TO:<held@example.net>"), "250 2.1.5 OK");
  EXPECT_EQ(data->ask("DATA").substr(0, 3), "354");
  auto dribble = client();
  dribble->send("NO");
  for (auto* one : {&silent, &helo, &mail, &rcpt, &data, &dribble}) {
    EXPECT_EQ((*one)->reply(), "421 4.4.2 Timeout");
    EXPECT_EQ((*one)->reply(), "(closed)");
  }
}

// ---- no descriptors

/// In a process of its own, which has few descriptors: 0 if `body` found nothing wrong.
int with_few_descriptors(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST_F(ServerLimitsTest, SurvivesWithoutDescriptorsAndMakesRoom) {
  const int result = with_few_descriptors([this] {
    start();
    // Clients' and server's ends are in this process: 30 are left for both.
    auto first = held("127.0.1.1"), second = held("127.0.2.1");
    const int probe = ::dup(0);
    ::close(probe);
    const rlimit few{static_cast<rlim_t>(probe) + 3, static_cast<rlim_t>(probe) + 3};
    if (::setrlimit(RLIMIT_NOFILE, &few) != 0) return 1;
    // Each takes a descriptor here; soon there is none for the server's end.
    std::vector<std::unique_ptr<TestClient>> clients;
    try {
      for (int i = 0; i < 3; ++i) clients.push_back(std::make_unique<TestClient>(where(), "127.0.3.1"));
    } catch (const std::exception&) {
    }
    if (clients.size() < 2) return 2;
    // The first was released, and one of the new ones has its descriptor.
    if (first->reply() != "250 2.1.5 OK" || first->reply() != kBusy) return 3;
    if (!log.contains("warning smtp.accept_failed error=Too many open files")) return 4;
    // Our own end of it is what the next one needs.
    first.reset();
    for (auto& one : clients) {
      if (one->reply() != "220 mx.example ESMTP") return 5;
      one.reset();
    }
    return HasFailure() ? 6 : 0;
  });
  EXPECT_EQ(result, 0);
}

TEST_F(ServerLimitsTest, KeepsAFewDescriptorsForTheRestOfTheProcess) {
  const int result = with_few_descriptors([this] {
    const rlimit few{202, 202};
    if (::setrlimit(RLIMIT_NOFILE, &few) != 0) return 1;
    start();
    auto first = client("127.0.1.1"), second = client("127.0.2.1");
    TestClient third(where(), "127.0.3.1");
    return third.reply() == kBusy ? 0 : 2;
  });
  EXPECT_EQ(result, 0);
}

}  // namespace
}  // namespace deferd::smtp
