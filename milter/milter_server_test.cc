// The real libmilter, one process a test, spoken to as an MTA does.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <sstream>
#include <string>
#include <vector>

#include "deferd/plugin.h"
#include "milter_client.h"

namespace deferd {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
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

/// A milter_test_server of its own; killed, if it still runs, when the test is over.
class Server {
 public:
  explicit Server(std::vector<std::string> arguments) {
    int out[2], err[2];
    if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(out[1], STDOUT_FILENO);
      ::dup2(err[1], STDERR_FILENO);
      std::vector<char*> argv{const_cast<char*>(MILTER_TEST_SERVER)};
      for (auto& argument : arguments) argv.push_back(argument.data());
      argv.push_back(nullptr);
      ::execv(MILTER_TEST_SERVER, argv.data());
      ::_exit(127);
    }
    ::close(out[1]);
    ::close(err[1]);
    out_ = ::fdopen(out[0], "r");
    err_ = ::fdopen(err[0], "r");
  }
  ~Server() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    std::fclose(out_);
    std::fclose(err_);
  }
  Server(const Server&) = delete;

  /// The next line it prints; "EOF" at its end.
  std::string line() { return line_of(out_); }
  std::string error_line() { return line_of(err_); }
  /// Reads on until this line; false if it never comes.
  bool says(const std::string& wanted) {
    for (auto line = this->line(); line != "EOF"; line = this->line())
      if (line == wanted) return true;
    return false;
  }
  std::string rest() {
    std::string all;
    for (auto line = this->line(); line != "EOF"; line = this->line()) all += line + "\n";
    return all;
  }
  void signal(int number) { ::kill(pid_, number); }
  /// Its exit status; 128 + signal if one ended it.
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  static std::string line_of(std::FILE* file) {
    std::string line;
    for (int c = std::fgetc(file); c != '\n'; c = std::fgetc(file)) {
      if (c == EOF) return "EOF";
      line += static_cast<char>(c);
    }
    return line;
  }

  pid_t pid_ = -1;
  std::FILE* out_ = nullptr;
  std::FILE* err_ = nullptr;
};

class MilterServerTest : public testing::Test {
 protected:
  MilterServerTest() {
    char name[] = "/tmp/deferd-milter-XXXXXX";
    dir_ = ::mkdtemp(name);
    path = (dir_ / "milter.sock").string();
    socket = "unix:" + path;
  }
  ~MilterServerTest() override { fs::remove_all(dir_); }

  std::unique_ptr<Server> serve(std::vector<std::string> options = {}) {
    options.insert(options.begin(), socket);
    auto server = std::make_unique<Server>(std::move(options));
    const auto line = server->line();
    EXPECT_EQ(line, "listening") << server->error_line();
    return server;
  }
  static void greet(MilterClient& mta) {
    mta.negotiate();
    mta.connect("mail.example.org", "192.0.2.7");
    mta.helo("mail.example.org");
  }

  std::string path, socket;

 private:
  fs::path dir_;
};

TEST_F(MilterServerTest, NegotiatesOnlyWhatItNeeds) {
  auto server = serve();
  MilterClient mta(socket);
  mta.negotiate();
  EXPECT_EQ(mta.version(), 6u);
  EXPECT_EQ(mta.steps(), kNoBody | kNoHeaders | kNoEoh | kNrHeader | kNoUnknown | kNoData | kNrConnect | kNrHelo | kNrMail);
}

TEST_F(MilterServerTest, NegotiatesHeadersAndDataForPluginsThatWantThem) {
  auto server = serve({"hooks=" + std::to_string(hook::headers | hook::data)});
  MilterClient mta(socket);
  mta.negotiate();
  EXPECT_EQ(mta.steps() & (kNoHeaders | kNoData), 0u);
}

TEST_F(MilterServerTest, NegotiatesEarlyAnswersForVoiceConnect) {
  auto server = serve({"voice=connect"});
  MilterClient mta(socket);
  mta.negotiate();
  EXPECT_EQ(mta.steps() & (kNrConnect | kNrHelo | kNrMail | kNrRcpt | kRcptRejected), 0u);
  EXPECT_EQ(mta.connect("reject.example.org", "192.0.2.7").smtp_code(), 554);
}

TEST_F(MilterServerTest, AsksForTheMacrosItReads) {
  auto server = serve();
  MilterClient mta(socket);
  mta.negotiate();
  EXPECT_THAT(mta.macros_wanted(kConnectStage), HasSubstr("{daemon_name}"));
}

TEST_F(MilterServerTest, AsksAnMtaForNothingItDoesNotOffer) {
  auto server = serve();
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
  auto server = serve();
  MilterClient mta(socket);
  mta.negotiate({6, 0x1, 0x3f});
  mta.connect("mail.example.org", "192.0.2.7");
  mta.helo("mail.example.org");
  mta.mail("<a@example.org>");
  EXPECT_EQ(mta.rcpt("<b@example.net>").code, 'c');
  EXPECT_EQ(mta.message({{"Subject", "x"}, {"From", "y"}}).code, 'c');
}

TEST_F(MilterServerTest, CarriesADeferralToTheMta) {
  auto server = serve();
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
  auto server = serve();
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
  auto server = serve();
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
    EXPECT_TRUE(server->says("bye"));
  }
}

TEST_F(MilterServerTest, WithVoiceDataDefersTheMessage) {
  auto server = serve({"voice=data"});
  MilterClient mta(socket);
  greet(mta);
  mta.mail("<a@example.org>");
  EXPECT_EQ(mta.rcpt("<defer@example.net>").code, 'c');
  EXPECT_EQ(mta.data().smtp_code(), 451);
}

TEST_F(MilterServerTest, PassesMailWhenAPluginsFaultIsThrownAtIt) {
  auto server = serve();
  MilterClient mta(socket);
  greet(mta);
  mta.mail("<a@example.org>");
  EXPECT_EQ(mta.rcpt("<throw@example.net>").code, 'c');
  EXPECT_EQ(mta.message().code, 'c');
  EXPECT_THAT(server->error_line(), HasSubstr("milter.fault at=rcpt"));
}

TEST_F(MilterServerTest, TellsPluginsOfAClientThatJustHangsUp) {
  auto server = serve();
  MilterClient mta(socket);
  greet(mta);
  mta.mail("<a@example.org>");
  mta.rcpt("<b@example.net>");
  mta.hang_up();
  EXPECT_TRUE(server->says("bye"));
}

TEST_F(MilterServerTest, ServesOverIpv6) {
  // No port 0: libmilter cannot tell which it got. So take one that was free a moment ago, several times if need be.
  for (int attempt = 0; attempt < 20; ++attempt) {
    const auto port = std::to_string(20000 + (::getpid() * 31 + attempt * 977) % 10000);
    socket = "inet6:" + port + "@::1";
    Server server({socket});
    if (server.line() != "listening") continue;
    MilterClient mta(socket);
    greet(mta);
    mta.mail("<a@example.org>");
    EXPECT_EQ(mta.rcpt("<defer@example.net>").smtp_code(), 451);
    return;
  }
  FAIL() << "no free port";
}

TEST_F(MilterServerTest, NeverStealsALiveSocket) {
  auto first = serve();
  Server second({socket});
  EXPECT_EQ(second.wait(), 2);
  EXPECT_THAT(second.error_line(), HasSubstr(path));
  MilterClient mta(socket);
  greet(mta);
  mta.mail("<a@example.org>");
  EXPECT_EQ(mta.rcpt("<defer@example.net>").smtp_code(), 451);
}

TEST_F(MilterServerTest, ReplacesTheSocketOfAKilledProcess) {
  auto first = serve();
  first->signal(SIGKILL);
  first->wait();
  ASSERT_TRUE(fs::is_socket(path));
  auto second = serve();
  MilterClient mta(socket);
  mta.negotiate();
}

TEST_F(MilterServerTest, GivesTheSocketTheModeAndRemovesItAtTheEnd) {
  auto server = serve({"mode=0606"});
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0606u);
  server->signal(SIGTERM);
  EXPECT_EQ(server->wait(), 0);
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(MilterServerTest, SurvivesGarbage) {
  auto server = serve();
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
  auto server = serve();
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

TEST_F(MilterServerTest, SlowsThosePluginsWishToSlowAndNobodyElse) {
  auto server = serve({"pace=200"});
  MilterClient mta(socket);
  greet(mta);
  mta.mail("<a@example.org>");
  auto start = std::chrono::steady_clock::now();
  mta.rcpt("<defer@example.net>");
  EXPECT_GE(std::chrono::steady_clock::now() - start, 200ms);
  server->signal(SIGTERM);
  EXPECT_THAT(server->rest(), HasSubstr("deferd_milter_replies_total{reply=\"tempfail\"} 1"));
}

TEST_F(MilterServerTest, EndsADelayWhenItIsToldToEnd) {
  auto server = serve({"pace=600000"});
  MilterClient mta(socket);
  greet(mta);
  mta.mail("<a@example.org>");
  auto answer = std::async(std::launch::async, [&] { return mta.rcpt("<defer@example.net>"); });
  ASSERT_TRUE(server->says("rcpt defer@example.net"));
  server->signal(SIGTERM);
  EXPECT_EQ(answer.get().smtp_code(), 451);
  EXPECT_EQ(server->wait(), 0);
}

TEST_F(MilterServerTest, LetsAMessageInProgressEndBeforeItEnds) {
  auto server = serve({"drain=8"});
  MilterClient mta(socket);
  greet(mta);
  mta.mail("<a@example.org>");
  EXPECT_EQ(mta.rcpt("<b@example.net>").code, 'c');
  server->signal(SIGTERM);
  server->signal(SIGHUP);
  EXPECT_TRUE(server->says("rcpt b@example.net"));
  EXPECT_EQ(mta.rcpt("<waited@example.net>").code, 'c');
  EXPECT_EQ(mta.message().code, 'c');
  EXPECT_EQ(mta.added_headers().size(), 1u);
  EXPECT_THAT(server->rest(), testing::AllOf(HasSubstr("accepted\nreset\nbye\n"), HasSubstr("stopped")));
  EXPECT_EQ(server->wait(), 0);
}

TEST_F(MilterServerTest, WaitsNoLongerThanTheDrain) {
  auto server = serve({"drain=0"});
  MilterClient mta(socket);
  greet(mta);
  mta.mail("<a@example.org>");
  mta.rcpt("<b@example.net>");
  server->signal(SIGTERM);
  EXPECT_EQ(server->wait(), 0);
  EXPECT_THAT(server->rest(), HasSubstr("bye"));  // plugins hear of the end all the same
  EXPECT_TRUE(mta.hung_up());
}

TEST_F(MilterServerTest, EndsAtOnceWhenNoMessageIsInProgress) {
  auto server = serve({"drain=8"});
  MilterClient idle(socket), refused(socket);
  greet(idle);
  greet(refused);
  refused.mail("<a@example.org>");
  refused.rcpt("<defer@example.net>");
  const auto start = std::chrono::steady_clock::now();
  server->signal(SIGTERM);
  EXPECT_EQ(server->wait(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
}

TEST_F(MilterServerTest, EndsThoughAPluginHangs) {
  auto server = serve({"drain=0"});
  MilterClient mta(socket);
  greet(mta);
  mta.mail("<a@example.org>");
  auto answer = std::async(std::launch::async, [&] { EXPECT_THROW(mta.rcpt("<hang@example.net>"), std::runtime_error); });
  ASSERT_TRUE(server->says("rcpt hang@example.net"));
  server->signal(SIGTERM);
  EXPECT_EQ(server->wait(), 5);
}

TEST_F(MilterServerTest, TellsWhatNeedsARestart) {
  auto server = serve();
  server->signal(SIGHUP);
  EXPECT_EQ(server->line(), "hup listen.milter, milter.voice");
}

TEST_F(MilterServerTest, SurvivesHangupSignalsUnderLoad) {
  auto server = serve();
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
  auto reader = std::async(std::launch::async, [&] { return server->rest(); });
  for (int i = 0; i < 100; ++i) {
    server->signal(SIGHUP);
    MilterClient mta(socket);
    greet(mta);
    mta.quit();
  }
  over = true;
  for (auto& sender : senders) EXPECT_GT(sender.get(), 0);
  server->signal(SIGTERM);
  EXPECT_THAT(reader.get(), HasSubstr("stopped"));
  EXPECT_EQ(server->wait(), 0);
}

}  // namespace
}  // namespace deferd
