// The server, spoken to as an MTA does.
#include "milter/milter_server.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <future>
#include <latch>
#include <string>
#include <vector>

#include "deferd/plugin.h"
#include "deferd/testing/fake_log.h"
#include "milter/scripted_dialogue.h"
#include "milter_client.h"

namespace deferd {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

enum : std::uint32_t {  // SMFIP_
  kNoBody = 0x10,
  kNoHeaders = 0x20,
  kNoEoh = 0x40,
  kNrHeader = 0x80,
  kNoUnknown = 0x100,
  kNoData = 0x200,
  kRcptRejected = 0x800,
  kNrConnect = 0x1000,
  kNrHelo = 0x2000,
  kNrMail = 0x4000,
  kNrRcpt = 0x8000,
};
constexpr std::uint32_t kSetSymList = 0x100;
constexpr std::uint32_t kConnectStage = 0;

/// The calls of dialogues, in the order they are made. Thread-safe.
class Calls {
 public:
  void add(std::string_view call) {
    const std::lock_guard lock(mutex_);
    calls_.emplace_back(call);
    all_ += std::string(call) + "\n";
    more_.notify_all();
  }
  /// Waits for this call, which none of those seen so far is; false if it never comes.
  bool come_to(const std::string& wanted) {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (!more_.wait_for(lock, 60s, [this] { return !calls_.empty(); })) return false;
      const auto call = std::move(calls_.front());
      calls_.pop_front();
      if (call == wanted) return true;
    }
  }
  std::string all() {
    const std::lock_guard lock(mutex_);
    return all_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<std::string> calls_;
  std::string all_;
};

class MilterServerTest : public testing::Test {
 protected:
  MilterServerTest() {
    char name[] = "/tmp/deferd-milter-XXXXXX";
    dir_ = ::mkdtemp(name);
    path = file("milter.sock");
    socket = "unix:" + path;
    config.drain = 0s;
    script.on_call = [this](std::string_view call) { calls.add(call); };
  }
  ~MilterServerTest() override {
    server.reset();
    fs::remove_all(dir_);
  }

  std::string file(const std::string& name) const { return (dir_ / name).string(); }
  std::unique_ptr<MilterServer> make(const std::vector<MilterSocket>& sockets) {
    script.voice = config.voice;
    return std::make_unique<MilterServer>(
        sockets, config,
        MilterServer::Wiring{
            [this](Session session, Voice) { return std::make_unique<ScriptedDialogue>(script, std::move(session)); },
            [this] { return script.hooks; }, log, metrics});
  }
  void serve() { serve({or_throw(MilterSocket::parse(socket))}); }
  void serve(const std::vector<MilterSocket>& sockets) {
    server = make(sockets);
    server->start();
  }
  Result<void> change_to(const std::vector<MilterSocket>& sockets) {
    auto change = server->prepare(sockets, config);
    if (!change) return tl::unexpected(change.error());
    server->apply(std::move(*change));
    return {};
  }
  static MilterSocket at(const std::string& path) { return or_throw(MilterSocket::parse("unix:" + path)); }
  static MilterSocket loopback(const char* address) { return {{}, *Address::parse(address), 0}; }

  static void greet(MilterClient& mta) {
    mta.negotiate();
    mta.connect("mail.example.org", "192.0.2.7");
    mta.helo("mail.example.org");
  }
  /// Whether a milter answers there as the script says.
  static void expect_served(const std::string& where) {
    MilterClient mta(where);
    greet(mta);
    mta.mail("<a@example.org>");
    EXPECT_EQ(mta.rcpt("<defer@example.net>").smtp_code(), 451) << where;
  }
  mode_t mode_of_socket() const {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return info.st_mode & 0777;
  }

  MilterConfig config;
  Script script;
  Calls calls;
  FakeLog log;
  Metrics metrics;
  std::string path, socket;
  std::unique_ptr<MilterServer> server;

 private:
  fs::path dir_;
};

TEST_F(MilterServerTest, NegotiatesOnlyWhatItNeeds) {
  serve();
  MilterClient mta(socket);
  mta.negotiate();
  EXPECT_EQ(mta.version(), 6u);
  EXPECT_EQ(mta.steps(), kNoBody | kNoHeaders | kNoEoh | kNrHeader | kNoUnknown | kNoData | kNrConnect | kNrHelo | kNrMail);
}

TEST_F(MilterServerTest, NegotiatesHeadersAndDataForPluginsThatWantThem) {
  script.hooks = hook::headers | hook::data;
  serve();
  MilterClient mta(socket);
  mta.negotiate();
  EXPECT_EQ(mta.steps() & (kNoHeaders | kNoData), 0u);
}

TEST_F(MilterServerTest, NegotiatesEarlyAnswersForVoiceConnect) {
  config.voice = Voice::connect;
  serve();
  MilterClient mta(socket);
  mta.negotiate();
  EXPECT_EQ(mta.steps() & (kNrConnect | kNrHelo | kNrMail | kNrRcpt | kRcptRejected), 0u);
  EXPECT_EQ(mta.connect("reject.example.org", "192.0.2.7").smtp_code(), 554);
}

TEST_F(MilterServerTest, AsksForTheMacrosItReads) {
  serve();
  MilterClient mta(socket);
  mta.negotiate();
  EXPECT_THAT(mta.macros_wanted(kConnectStage), HasSubstr("{daemon_name}"));
}

TEST_F(MilterServerTest, AsksAnMtaForNothingItDoesNotOffer) {
  serve();
  MilterClient mta(socket);
  mta.negotiate({2, 0x3f, 0x7f});  // checks it, too
  EXPECT_EQ(mta.version(), 2u);
  EXPECT_EQ(mta.actions() & kSetSymList, 0u);
  EXPECT_EQ(mta.connect("mail.example.org", "192.0.2.7").code, 'c');
  EXPECT_EQ(mta.helo("mail.example.org").code, 'c');
  EXPECT_EQ(mta.mail("<a@example.org>").code, 'c');
  EXPECT_EQ(mta.rcpt("<defer@example.net>").smtp_code(), 451);
  EXPECT_EQ(mta.rcpt("<waited@example.net>").code, 'c');
  EXPECT_EQ(mta.message().code, 'c');
  EXPECT_EQ(mta.added_headers().size(), 1u);
}

TEST_F(MilterServerTest, ServesAnMtaThatOffersNoSteps) {
  serve();
  MilterClient mta(socket);
  mta.negotiate({6, 0x1, 0x3f});
  mta.connect("mail.example.org", "192.0.2.7");
  mta.helo("mail.example.org");
  mta.mail("<a@example.org>");
  EXPECT_EQ(mta.rcpt("<b@example.net>").code, 'c');
  EXPECT_EQ(mta.message({{"Subject", "x"}, {"From", "y"}}).code, 'c');
}

TEST_F(MilterServerTest, CarriesADeferralToTheMta) {
  serve();
  MilterClient mta(socket);
  greet(mta);
  mta.mail("<a@example.org>");
  const auto answer = mta.rcpt("<defer@example.net>");
  EXPECT_EQ(answer.code, 'y');
  EXPECT_EQ(answer.text, "451 4.7.1 Come back in 100% of 5 minutes");
  EXPECT_EQ(mta.rcpt("<reject@example.net>").text, "554 5.7.1 No");
  EXPECT_EQ(mta.rcpt("<close@example.net>").smtp_code(), 421);
  EXPECT_EQ(mta.rcpt("<lines@example.net>").text, "450-4.2.0 one\r\n450 4.2.0 two");
  EXPECT_EQ(mta.rcpt("<b@example.net>").code, 'c');
}

TEST_F(MilterServerTest, AddsTheHeaderToDelayedMail) {
  serve();
  MilterClient mta(socket);
  mta.negotiate();
  mta.macros({{"j", "mx.example.net"}});
  mta.connect("mail.example.org", "192.0.2.7");
  mta.mail("<a@example.org>");
  mta.rcpt("<waited@example.net>");
  EXPECT_EQ(mta.message().code, 'c');
  EXPECT_THAT(mta.added_headers(), ElementsAre(testing::Pair("X-Greylist", "delayed 00:07:12 by deferd at mx.example.net")));
}

TEST_F(MilterServerTest, ServesManyMessagesAndClientsOnOneConnection) {
  serve();
  MilterClient mta(socket);
  mta.negotiate();
  for (int client = 0; client < 3; ++client) {
    mta.connect("mail.example.org", "192.0.2." + std::to_string(client));
    mta.helo("mail.example.org");
    for (int message = 0; message < 3; ++message) {
      mta.mail("<a@example.org>");
      EXPECT_EQ(mta.rcpt("<defer@example.net>").smtp_code(), 451);
      if (message == 1) {
        mta.abort();
        continue;
      }
      EXPECT_EQ(mta.rcpt("<b@example.net>").code, 'c');
      EXPECT_EQ(mta.message().code, 'c');
    }
    mta.quit_nc();
    EXPECT_TRUE(calls.come_to("bye"));
  }
}

TEST_F(MilterServerTest, WithVoiceDataDefersTheMessage) {
  config.voice = Voice::data;
  serve();
  MilterClient mta(socket);
  greet(mta);
  mta.mail("<a@example.org>");
  EXPECT_EQ(mta.rcpt("<defer@example.net>").code, 'c');
  EXPECT_EQ(mta.data().smtp_code(), 451);
}

TEST_F(MilterServerTest, PassesMailWhenAPluginsFaultIsThrownAtIt) {
  serve();
  MilterClient mta(socket);
  greet(mta);
  mta.mail("<a@example.org>");
  EXPECT_EQ(mta.rcpt("<throw@example.net>").code, 'c');
  EXPECT_EQ(mta.message().code, 'c');
  EXPECT_TRUE(log.contains("milter.fault at=rcpt"));
}

TEST_F(MilterServerTest, TellsPluginsOfAClientThatJustHangsUp) {
  serve();
  MilterClient mta(socket);
  greet(mta);
  mta.mail("<a@example.org>");
  mta.rcpt("<b@example.net>");
  mta.hang_up();
  EXPECT_TRUE(calls.come_to("bye"));
}

TEST_F(MilterServerTest, SurvivesGarbage) {
  serve();
  const std::string packets[] = {std::string(100, '\xff'), std::string("\0\0\0\0", 4), std::string("\0\0\0\1Z", 5),
                                 "GET / HTTP/1.0\r\n\r\n", std::string("\0\0\0\2O\0", 6)};
  for (const auto& bytes : packets) {
    MilterClient rude(socket);
    rude.send_raw(bytes);
    rude.hang_up();
  }
  for (const char command : std::string_view("ABCDEHKLMNQRTU")) {  // each before any negotiation, and with nonsense after it
    MilterClient rude(socket);
    rude.send_packet(command, "nonsense without an end");
    rude.hang_up();
    MilterClient ruder(socket);
    ruder.negotiate();
    ruder.send_packet(command, "nonsense without an end");
    ruder.hang_up();
    MilterClient rudest(socket);
    greet(rudest);
    rudest.send_packet(command, "");
    rudest.hang_up();
  }
  MilterClient mta(socket);
  greet(mta);
  mta.mail("<a@example.org>");
  EXPECT_EQ(mta.rcpt("<defer@example.net>").smtp_code(), 451);
}

TEST_F(MilterServerTest, HangsUpOnOversizedPackets) {
  serve();
  {
    MilterClient rude(socket);
    greet(rude);
    rude.send_raw(std::string("\x7f\xff\xff\xffM", 5));
    EXPECT_TRUE(rude.hung_up());
  }
  MilterClient mta(socket);
  greet(mta);
  mta.mail("<" + std::string(60000, 'x') + "@example.org>", {std::string(5000, 'y')});
  EXPECT_EQ(mta.rcpt("<defer@example.net>").smtp_code(), 451);
}

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
  EXPECT_NE(before.steps() & kNrConnect, 0u);
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
