#include "smtp/smtp_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <thread>

#include "smtp/server_fixture.h"

namespace deferd::smtp {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;

class SmtpServerTest : public ServerFixture {};

TEST_F(SmtpServerTest, SpeaksAWholeDialogue) {
  start();
  auto one = introduced();
  EXPECT_EQ(one->ask("RCPT TO:<defer@example.net>"), "451 4.7.1 Come back");
  EXPECT_EQ(one->ask("QUIT"), "221 2.0.0 mx.example Bye");
  EXPECT_EQ(one->reply(), "(closed)");
}

TEST_F(SmtpServerTest, TellsTheSessionWhoConnectedToWhat) {
  start();
  auto one = introduced("127.3.2.1");
  one->ask("RCPT TO:<defer@example.net>");
  EXPECT_TRUE(log.contains("info smtp.connected client=127.3.2.1 connections=1 held=0"));
  one->ask("QUIT");
  wait_for([&] { return log.contains("info smtp.disconnected client=127.3.2.1 seconds="); }, "the log line");
}

TEST_F(SmtpServerTest, ServesManyAtATime) {
  start();
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 60; ++i) clients.push_back(introduced());
  for (auto& one : clients) one->send("RCPT TO:<defer@example.net>\r\n");
  for (auto& one : clients) EXPECT_EQ(one->reply(), "451 4.7.1 Come back");
  EXPECT_EQ(gauge("deferd_smtp_connections"), "60");
  clients.clear();
  wait_for([&] { return gauge("deferd_smtp_connections") == "0"; }, "all to be gone");
}

TEST_F(SmtpServerTest, ListensAtSeveralAddressesOfAllKinds) {
  addresses.push_back(*SmtpAddress::parse("[::1]:0"));
  addresses.push_back(*SmtpAddress::parse("unix:" + folder.file("smtp.sock")));
  start();
  for (std::size_t i = 0; i < 3; ++i) {
    TestClient one(where(i));
    EXPECT_EQ(one.reply(), "220 mx.example ESMTP") << where(i);
    EXPECT_EQ(one.ask("QUIT"), "221 2.0.0 mx.example Bye");
  }
  EXPECT_TRUE(log.contains("client=::1"));
}

TEST_F(SmtpServerTest, ServesWhoHasConnectedBeforeItWasThere) {
  addresses.push_back(*SmtpAddress::parse("[::1]:0"));
  addresses.push_back(*SmtpAddress::parse("unix:" + folder.file("smtp.sock")));
  auto bound_before = bind_tcp(addresses);
  ASSERT_EQ(bound_before.size(), 2u);  // the unix socket is left to the server
  auto named = addresses[0];
  named.tcp.port = bound_before[0].listener->port();
  TestClient early(named.to_string());
  bound = std::move(bound_before);
  start();
  EXPECT_EQ(where(0), named.to_string());
  EXPECT_EQ(server->listening().size(), 3u);
  EXPECT_EQ(early.reply(), "220 mx.example ESMTP");
}

TEST_F(SmtpServerTest, GivesAUnixSocketThePermissionsConfigured) {
  config.socket_mode.bits = 0640;
  addresses = {*SmtpAddress::parse("unix:" + folder.file("smtp.sock"))};
  start();
  struct stat status {};
  ASSERT_EQ(::stat(folder.file("smtp.sock").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0640u);
}

TEST_F(SmtpServerTest, ListensAtAnAddressThatIsNotThereYet) {
  addresses.push_back(*SmtpAddress::parse("192.0.2.1:0"));
  start();
  EXPECT_EQ(server->listening().size(), 2u);
}

TEST_F(SmtpServerTest, ServesWithoutAnAddressThatIsThereTooLateToBeBound) {
  addresses.push_back(*SmtpAddress::parse("127.0.0.1:1"));
  bound.push_back({addresses[1], std::nullopt});
  const auto user = ::geteuid();
  const uid_t nobody = 65534;
  if (user == 0) {
    ASSERT_EQ(::seteuid(nobody), 0);
  }
  open();  // before there are threads, whose users would change, too
  if (user == 0) {
    ASSERT_EQ(::seteuid(user), 0);
  }
  start();
  EXPECT_EQ(server->listening().size(), 1u);
  EXPECT_TRUE(
      log.contains("error smtp.address_refused error=127.0.0.1:1: cannot bind it: Permission denied what=needs a restart"));
  EXPECT_TRUE(server->stop()) << "it does not wait for the address";
}

TEST_F(SmtpServerTest, HearsAnEndThatComesTogetherWithTheLastWords) {
  start();
  const auto one = client(), other = client();
  one->send("NOOP\r\n");
  other->send("NO");
  for (const auto& each : {&one, &other}) (*each)->finish_sending();
  EXPECT_EQ(one->reply(), "250 2.0.0 OK");
  for (const auto& each : {&one, &other}) EXPECT_EQ((*each)->reply(), "(closed)");
}

#if defined(__linux__)
TEST_F(SmtpServerTest, SaysItsLastWordsTogetherWithTheEnd) {
  start();
  for (int i = 0; i < 50; ++i) {  // once it may look so by chance
    TestClient one(where());
    one.reply();
    one.send("QUIT\r\n");
    pollfd heard{one.descriptor(), POLLIN, 0};
    ASSERT_EQ(::poll(&heard, 1, 20'000), 1);
    char bytes[200];
    ASSERT_GT(::recv(one.descriptor(), bytes, sizeof bytes, MSG_DONTWAIT), 0);
    ASSERT_EQ(::recv(one.descriptor(), bytes, sizeof bytes, MSG_DONTWAIT), 0);
  }
}
#endif

TEST_F(SmtpServerTest, WhoHearsTheEndMayComeAgainAtOnce) {
  config.limits.per_prefix = 1;
  start();
  for (int i = 0; i < 1000; ++i) {  // who was counted a moment too long was refused now and then
    TestClient one(where());
    ASSERT_EQ(one.reply(), "220 mx.example ESMTP");
    one.ask("QUIT");
    ASSERT_EQ(one.reply(), "(closed)");
  }
}

TEST_F(SmtpServerTest, ItsLastWordsReachWhoHasSaidMore) {
  start();
  TestClient one(where());
  one.reply();
  one.send("QUIT\r\n" + std::string(100'000, 'x'));
  EXPECT_EQ(one.reply(), "221 2.0.0 mx.example Bye");
}

TEST_F(SmtpServerTest, TellsPluginsThatAClientHasGone) {
  script.hooks = hook::disconnect;
  start();
  {
    auto one = introduced();
    one->ask("RCPT TO:<defer@example.net>");
  }
  std::vector<std::string> calls;
  wait_for(
      [&] {
        for (auto& call : script.take()) calls.push_back(call);
        return !calls.empty() && calls.back() == "bye";
      },
      "the end of the dialogue");
}

TEST_F(SmtpServerTest, StutteringOnesKeepTheirPace) {
  start();
  auto one = introduced();
  script.pace = {.per_byte = 20ms};
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(one->ask("RCPT TO:<defer@example.net>"), "451 4.7.1 Come back");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 20ms * 20);
  wait_for([&] { return value("deferd_smtp_stuttered_bytes_total") == 21; }, "all bytes to be counted");
}

// ---- plugins that take their time

TEST_F(SmtpServerTest, AHangingPluginHoldsUpNeitherStutterNorNewClients) {
  config.workers = 1;
  start();
  auto slow = introduced(), fast = introduced();
  script.pace = {.per_byte = 10ms};
  fast->send("RCPT TO:<defer@example.net>\r\n");
  EXPECT_EQ(fast->bytes(2), "45");
  Latch latch;
  script.on_call = [&](std::string_view call) {
    if (call == "rcpt held@example.net") latch.wait();
  };
  slow->send("RCPT TO:<held@example.net>\r\n");
  EXPECT_EQ(fast->reply(), "1 4.7.1 Come back");
  for (int i = 0; i < 10; ++i) client();
  EXPECT_TRUE(slow->hears_nothing_for(0ms));
  latch.open();
  EXPECT_EQ(slow->reply(), "250 2.1.5 OK");
}

TEST_F(SmtpServerTest, AClientThatLeavesWhileItIsThoughtAboutDoesNoHarm) {
  start();
  Latch latch;
  script.on_call = [&](std::string_view call) {
    if (call.starts_with("rcpt ")) latch.wait();
  };
  {
    auto one = introduced();
    one->send("RCPT TO:<defer@example.net>\r\n");
  }
  EXPECT_EQ(gauge("deferd_smtp_connections"), "1");
  latch.open();
  wait_for([&] { return gauge("deferd_smtp_connections") == "0"; }, "it to be gone");
}

// ---- the end

TEST_F(SmtpServerTest, SaysGoodbyeToIdleClients) {
  start();
  auto one = introduced();
  EXPECT_TRUE(server->stop());
  EXPECT_EQ(one->reply(), "421 4.3.2 Shutting down");
  EXPECT_EQ(one->reply(), "(closed)");
}

TEST_F(SmtpServerTest, AnswersBeforeItEnds) {
  start();
  Latch latch, asked;
  script.on_call = [&](std::string_view call) {
    if (!call.starts_with("rcpt ")) return;
    asked.open();
    latch.wait();
  };
  auto one = introduced();
  one->send("RCPT TO:<defer@example.net>\r\n");
  ASSERT_TRUE(asked.wait());
  std::thread opener([&] {
    one->hears_nothing_for(50ms);
    latch.open();
  });
  EXPECT_TRUE(server->stop());
  opener.join();
  EXPECT_EQ(one->reply(), "451 4.7.1 Come back");
  EXPECT_EQ(one->reply(), "421 4.3.2 Shutting down");
}

TEST_F(SmtpServerTest, EndsAStutterAtOnce) {
  start();
  auto one = introduced();
  script.pace = {.per_byte = 1h};
  one->send("RCPT TO:<defer@example.net>\r\n");
  wait_for([&] { return gauge("deferd_tarpit_waiting") == "1"; }, "the stutter");
  EXPECT_TRUE(server->stop());
  EXPECT_EQ(one->reply(), "451 4.7.1 Come back");
  EXPECT_EQ(one->reply(), "421 4.3.2 Shutting down");
  EXPECT_EQ(gauge("deferd_tarpit_waiting"), "0");
}

// ---- clients that talk with the MTA

class ServerHandoverTest : public ServerFixture {
 protected:
  /// Its end is counted.
  struct Session : Handover {
    explicit Session(ServerHandoverTest& test) : test_(test) { ++test_.running; }
    ~Session() override { --test_.running; }
    void go_on(const MtaOrder&, boost::asio::posix::stream_descriptor&, std::string_view) override {
      if (test_.broken) throw std::runtime_error("no memory");
      ++test_.orders;
    }
    ServerHandoverTest& test_;
  };

  ServerHandoverTest() {
    handover = true;
    hand_over = [this](HandoverOffer offered) {
      const std::lock_guard lock(mutex);
      unread = offered.unread;
      offer.emplace(std::move(offered));
      return std::make_unique<Session>(*this);
    };
  }
  void wait_until_offered() {
    wait_for(
        [this] {
          const std::lock_guard lock(mutex);
          return offer.has_value();
        },
        "an offer");
  }
  /// Calls one of the offer's functions where it belongs.
  void call(std::function<void()> HandoverOffer::*function) {
    const std::lock_guard lock(mutex);
    boost::asio::post(offer->context, (*offer).*function);
  }

  void answer(MtaAnswer answered) {
    const std::lock_guard lock(mutex);
    boost::asio::post(offer->context, [tell = offer->answered, answered = std::move(answered)] { tell(answered); });
  }

  std::atomic<int> running = 0;
  std::atomic<int> orders = 0;  // after the first
  std::atomic<bool> broken = false;
  std::mutex mutex;
  std::optional<HandoverOffer> offer;
  std::string unread;
};

TEST_F(ServerHandoverTest, OffersTheClientWithWhatItHasSaidAlready) {
  start();
  auto one = introduced();
  one->send("RCPT TO:<pass@example.net>\r\nDATA\r\n");
  wait_until_offered();
  EXPECT_EQ(unread, "DATA\r\n");
  call(&HandoverOffer::over);
  EXPECT_EQ(one->reply(), "(closed)");
  EXPECT_EQ(running, 0);
}

TEST_F(ServerHandoverTest, GoesOnWithTheSessionIfTheMtaFails) {
  start();
  auto one = introduced();
  one->send("RCPT TO:<pass@example.net>\r\nNOOP\r\n");
  wait_until_offered();
  call(&HandoverOffer::failed);
  EXPECT_EQ(one->reply(), "451 4.3.0 Please try again later");
  EXPECT_EQ(one->reply(), "250 2.0.0 OK");
  EXPECT_EQ(running, 0);
}

TEST_F(ServerHandoverTest, GoesOnWithTheSessionIfTheHandOverCannotBegin) {
  hand_over = [](const HandoverOffer&) -> std::unique_ptr<Handover> { throw std::runtime_error("no descriptor"); };
  start();
  auto one = introduced();
  EXPECT_EQ(one->ask("RCPT TO:<pass@example.net>"), "451 4.3.0 Please try again later");
  EXPECT_EQ(one->ask("NOOP"), "250 2.0.0 OK");
  EXPECT_TRUE(log.contains("smtp.failed error=no descriptor")) << log.lines().back();
}

TEST_F(ServerHandoverTest, GoesOnWithTheSessionIfTheHandOverCannotGoOn) {
  broken = true;
  start();
  auto one = introduced();
  one->send("RCPT TO:<pass@example.net>\r\n");
  wait_until_offered();
  answer({.code = 250, .reply = "250 mta: yes\r\n"});
  EXPECT_EQ(one->reply(), "250 mta: yes");
  EXPECT_EQ(one->ask("DATA"), "451 4.3.0 Please try again later");
  EXPECT_EQ(running, 0);
  EXPECT_EQ(one->ask("NOOP"), "250 2.0.0 OK");
}

TEST_F(ServerHandoverTest, TheAnswerToAMessageDoesNotWaitForOtherClientsRecipients) {
  config.workers = 4;
  script.hooks = hook::accepted;
  Latch latch;
  std::atomic<int> stuck = 0;
  script.on_call = [&](std::string_view call) {
    if (!call.starts_with("rcpt defer.stuck")) return;
    ++stuck;
    latch.wait();
  };
  start();
  auto one = introduced();
  one->send("RCPT TO:<pass@example.net>\r\n");
  wait_until_offered();
  answer({.code = 250, .reply = "250 mta: yes\r\n"});
  EXPECT_EQ(one->reply(), "250 mta: yes");
  one->send("DATA\r\n");
  wait_for([&] { return orders == 1; }, "DATA");
  answer({.code = 354, .reply = "354 mta: go on\r\n"});
  EXPECT_EQ(one->reply(), "354 mta: go on");
  wait_for([&] { return orders == 2; }, "the message");
  std::vector<std::unique_ptr<TestClient>> others;
  for (int i = 0; i < 6; ++i) others.push_back(introduced());
  for (auto& other : others) other->send("RCPT TO:<defer.stuck@example.net>\r\n");
  wait_for([&] { return stuck == 3; }, "all to be stuck that may be");
  answer({.code = 250, .reply = "250 mta: queued\r\n", .last = true, .unread = ""});
  EXPECT_EQ(one->reply(), "250 mta: queued");
  latch.open();
  for (auto& other : others) EXPECT_EQ(other->reply(), "451 4.7.1 Come back");
}

TEST_F(ServerHandoverTest, WaitsForThoseThatTalkWithTheMta) {
  start();
  auto one = introduced(), other = introduced();
  one->send("RCPT TO:<pass@example.net>\r\n");
  wait_until_offered();
  std::thread ender([&] {
    EXPECT_EQ(other->reply(), "421 4.3.2 Shutting down");  // so it is stopping
    EXPECT_EQ(running, 1);
    call(&HandoverOffer::over);
  });
  EXPECT_TRUE(server->stop());
  ender.join();
  EXPECT_EQ(one->reply(), "(closed)");
}

TEST_F(ServerHandoverTest, ServesNobodyAnewWhoseMtaFailsAtTheEnd) {
  start();
  auto one = introduced(), other = introduced();
  one->send("RCPT TO:<pass@example.net>\r\n");
  wait_until_offered();
  std::thread ender([&] {
    EXPECT_EQ(other->reply(), "421 4.3.2 Shutting down");
    call(&HandoverOffer::failed);
  });
  EXPECT_TRUE(server->stop());
  ender.join();
  EXPECT_EQ(one->reply(), "451 4.3.0 Please try again later");
  EXPECT_EQ(one->reply(), "421 4.3.2 Shutting down");
}

TEST_F(ServerHandoverTest, WaitsNoLongerIfItIsToHurry) {
  start();
  auto one = introduced();
  one->send("RCPT TO:<pass@example.net>\r\n");
  wait_until_offered();
  EXPECT_TRUE(server->stop([] { return true; }));
  EXPECT_EQ(running, 0);
  EXPECT_EQ(one->reply(), "(closed)");
}

}  // namespace
}  // namespace deferd::smtp
