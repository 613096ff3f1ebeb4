// The server over its life: sockets, delays, load, reload, and the end.
#include <sys/socket.h>
#include <sys/un.h>

#include <future>
#include <latch>

#include "milter/milter_server_fixture.h"

namespace deferd {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

constexpr std::uint32_t kConnectUnanswered = 0x1000;  // SMFIP_NR_CONN

TEST_F(MilterServerTest, ServesSeveralSockets) {
  serve({at(path), at(file("second.sock")), loopback("127.0.0.1"), loopback("::1")});
  ASSERT_EQ(server->sockets().size(), 4u);
  for (const auto& where : server->sockets()) expect_served(where.to_string());
}

TEST_F(MilterServerTest, NeverStealsALiveSocket) {
  serve();
  try {
    make({at(path)});
    FAIL() << "stolen";
  } catch (const ErrorException& error) {
    EXPECT_EQ(error.code, Errc::busy);
    EXPECT_THAT(error.what(), HasSubstr(path));
  }
  expect_served(socket);
}

TEST_F(MilterServerTest, ReplacesTheSocketOfADeadProcess) {
  const int abandoned = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  ASSERT_EQ(::bind(abandoned, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(abandoned);
  serve();
  expect_served(socket);
}

TEST_F(MilterServerTest, GivesTheSocketTheModeAndRemovesItAtTheEnd) {
  config.socket_mode.bits = 0606;
  serve();
  EXPECT_EQ(mode_of_socket(), 0606u);
  EXPECT_TRUE(server->stop());
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(MilterServerTest, SlowsThosePluginsWishToSlowAndNobodyElse) {
  script.pace = 200ms;
  serve();
  MilterClient mta(socket);
  greet(mta);
  mta.mail("<a@example.org>");
  const auto start = std::chrono::steady_clock::now();
  mta.rcpt("<defer@example.net>");
  EXPECT_GE(std::chrono::steady_clock::now() - start, 200ms);
  EXPECT_THAT(metrics.text(), HasSubstr("deferd_milter_replies_total{reply=\"tempfail\"} 1"));
}

TEST_F(MilterServerTest, DelaysNoMoreAnswersThanTheLimit) {
  script.pace = 1h;
  config.max_delay = 1h;
  config.max_sleepers = 3;
  serve();
  std::vector<std::unique_ptr<MilterClient>> slowed;
  for (int i = 0; i < 3; ++i) {
    auto& mta = *slowed.emplace_back(std::make_unique<MilterClient>(socket));
    greet(mta);
    mta.mail("<a@example.org>");
    mta.send_packet('R', std::string_view("<defer@example.net>\0", 20));
    ASSERT_TRUE(calls.come_to("rcpt defer@example.net"));
  }
  // The handlers of the three may not be done with them yet.
  for (;;) {
    if (metrics.text().find("deferd_milter_sleeping 3") != std::string::npos) break;
    std::this_thread::yield();
  }
  expect_served(socket);
}

TEST_F(MilterServerTest, EndsADelayWhenItIsToldToEnd) {
  script.pace = 1h;
  config.max_delay = 1h;
  config.drain = 8s;
  serve();
  MilterClient mta(socket);
  greet(mta);
  mta.mail("<a@example.org>");
  mta.rcpt("<b@example.net>");  // so that there is something to wait for
  auto answer = std::async(std::launch::async, [&] { return mta.rcpt("<defer@example.net>"); });
  ASSERT_TRUE(calls.come_to("rcpt defer@example.net"));
  auto stopped = std::async(std::launch::async, [&] { return server->stop(); });
  EXPECT_EQ(answer.get().smtp_code(), 451);
  mta.abort();
  EXPECT_TRUE(stopped.get());
}

TEST_F(MilterServerTest, LetsAMessageInProgressEndBeforeItEnds) {
  config.drain = 8s;
  serve();
  MilterClient mta(socket);
  greet(mta);
  mta.mail("<a@example.org>");
  EXPECT_EQ(mta.rcpt("<b@example.net>").code, 'c');
  auto stopped = std::async(std::launch::async, [&] { return server->stop(); });
  while (fs::exists(path)) std::this_thread::yield();
  EXPECT_EQ(mta.rcpt("<waited@example.net>").code, 'c');
  EXPECT_EQ(mta.message().code, 'c');
  EXPECT_EQ(mta.added_headers().size(), 1u);
  EXPECT_TRUE(stopped.get());
  EXPECT_THAT(calls.all(), HasSubstr("accepted\nreset\nbye\n"));
  EXPECT_FALSE(log.contains("milter.cut_off"));
}

TEST_F(MilterServerTest, WaitsNoLongerThanTheDrain) {
  serve();
  MilterClient mta(socket);
  greet(mta);
  mta.mail("<a@example.org>");
  mta.rcpt("<b@example.net>");
  EXPECT_TRUE(server->stop());
  EXPECT_TRUE(log.contains("milter.cut_off"));
  EXPECT_THAT(calls.all(), HasSubstr("bye"));  // plugins hear of the end all the same
  EXPECT_TRUE(mta.hung_up());
}

TEST_F(MilterServerTest, EndsAtOnceWhenNoMessageIsInProgress) {
  config.drain = 60s;
  serve();
  MilterClient idle(socket), refused(socket);
  greet(idle);
  greet(refused);
  refused.mail("<a@example.org>");
  refused.rcpt("<defer@example.net>");
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(server->stop());
  EXPECT_LT(std::chrono::steady_clock::now() - start, 30s);
}

using MilterServerDeathTest = MilterServerTest;

TEST_F(MilterServerDeathTest, EndsThoughAPluginHangs) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      {
        script.on_call = [this](std::string_view call) {
          calls.add(call);
          while (call == "rcpt hang@example.net") ::pause();
        };
        serve();
        MilterClient mta(socket);
        greet(mta);
        mta.mail("<a@example.org>");
        mta.send_packet('R', std::string_view("<hang@example.net>\0", 19));
        const bool called = calls.come_to("rcpt hang@example.net");
        const bool quiet = server->stop();
        ::_exit(called && !quiet && log.contains("milter.stuck") ? 5 : 1);
      },
      testing::ExitedWithCode(5), "");
}

TEST_F(MilterServerTest, ServesOthersWhileHooksBlock) {
  std::latch release(1);
  script.on_call = [&](std::string_view call) {
    calls.add(call);
    if (call.starts_with("rcpt slow")) release.wait();
  };
  serve();
  std::vector<std::unique_ptr<MilterClient>> slow;
  for (int i = 0; i < 10; ++i) {
    auto& mta = *slow.emplace_back(std::make_unique<MilterClient>(socket));
    greet(mta);
    mta.mail("<a@example.org>");
    mta.send_packet('R', std::string_view("<slow@example.net>\0", 19));
    ASSERT_TRUE(calls.come_to("rcpt slow@example.net"));
  }
  for (int i = 0; i < 100; ++i) expect_served(socket);
  release.count_down();
  for (auto& mta : slow) EXPECT_TRUE(mta->read_answer().goes_on());
}

TEST_F(MilterServerTest, HangsUpOnAnMtaThatSaysNothing) {
  config.timeout = 1s;
  serve();
  MilterClient silent(socket), halfway(socket);
  halfway.negotiate();
  halfway.send_raw(std::string("\0\0", 2));
  EXPECT_TRUE(silent.hung_up());
  EXPECT_TRUE(halfway.hung_up());
}

TEST_F(MilterServerTest, DoesNotTakeAnMtaForSilentThatItKeepsWaiting) {
  config.timeout = 2s;
  config.max_delay = 4s;
  script.pace = 4s;
  serve();
  expect_served(socket);
}

TEST_F(MilterServerTest, ReadsNoMoreFromAnMtaThatDoesNotRead) {
  serve();
  MilterClient mta(socket, 1s);
  greet(mta);
  mta.mail("<a@example.org>");
  const std::string rcpt("\0\0\0\x15R<defer@example.net>\0", 25);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += rcpt;
  EXPECT_THROW(for (int i = 0; i < 10000; ++i) mta.send_raw(many), std::runtime_error);
  expect_served(socket);
}

TEST_F(MilterServerTest, OpensNewSocketsAndClosesFormerOnesAtAReload) {
  serve();
  MilterClient connected(socket);
  greet(connected);
  ASSERT_TRUE(change_to({at(file("other.sock")), loopback("127.0.0.1")}));
  EXPECT_FALSE(fs::exists(path));
  for (const auto& where : server->sockets()) expect_served(where.to_string());
  connected.mail("<a@example.org>");
  EXPECT_EQ(connected.rcpt("<defer@example.net>").smtp_code(), 451);  // goes on to its end
  ASSERT_TRUE(change_to({}));
  ASSERT_TRUE(change_to({at(path)}));
  expect_served(socket);
}

TEST_F(MilterServerTest, KeepsASocketThatStaysAndGivesItItsNewMode) {
  config.socket_mode.bits = 0600;
  serve();
  MilterClient waiting(socket);  // perhaps still in the queue
  config.socket_mode.bits = 0666;
  ASSERT_TRUE(change_to({at(path)}));
  EXPECT_EQ(mode_of_socket(), 0666u);
  greet(waiting);
  expect_served(socket);
}

TEST_F(MilterServerTest, ChangesNothingIfANewSocketCannotBeOpened) {
  serve();
  const auto failed = change_to({at(file("other.sock")), at(file("none/milter.sock"))});
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().what, HasSubstr("none/milter.sock"));
  EXPECT_FALSE(fs::exists(file("other.sock")));
  EXPECT_EQ(server->sockets(), std::vector{at(path)});
  config.socket_group = "no-such-group";
  EXPECT_FALSE(change_to({at(path)}));
  expect_served(socket);
}

TEST_F(MilterServerTest, BeginsToServeWhenAReloadBringsTheFirstSocket) {
  serve({});
  ASSERT_TRUE(change_to({at(path)}));
  expect_served(socket);
}

TEST_F(MilterServerTest, NegotiatesAnewAfterAReload) {
  serve();
  MilterClient before(socket);
  before.negotiate();
  config.voice = Voice::connect;
  ASSERT_TRUE(change_to({at(path)}));
  MilterClient after(socket);
  after.negotiate();
  EXPECT_EQ(after.connect("reject.example.org", "192.0.2.7").smtp_code(), 554);
  EXPECT_NE(before.steps() & kConnectUnanswered, 0u);
  before.connect("reject.example.org", "192.0.2.7");
  before.mail("<a@example.org>");
  EXPECT_EQ(before.rcpt("<defer@example.net>").smtp_code(), 451);
}

TEST_F(MilterServerTest, SurvivesReloadsUnderLoad) {
  serve();
  std::atomic<bool> over = false;
  std::vector<std::future<int>> senders;
  for (int i = 0; i < 4; ++i)
    senders.push_back(std::async(std::launch::async, [&] {
      int messages = 0;
      for (; !over; ++messages) {
        MilterClient mta(socket);
        greet(mta);
        mta.mail("<a@example.org>");
        if (mta.rcpt("<defer@example.net>").smtp_code() != 451 || !mta.rcpt("<b@example.net>").goes_on() ||
            !mta.message().goes_on())
          throw std::runtime_error("a wrong answer");
        mta.quit();
      }
      return messages;
    }));
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(change_to(i % 2 == 0 ? std::vector{at(path), at(file("other.sock"))} : std::vector{at(path)}));
    expect_served(socket);
  }
  over = true;
  for (auto& sender : senders) EXPECT_GT(sender.get(), 0);
  EXPECT_TRUE(server->stop());
}

}  // namespace
}  // namespace deferd
