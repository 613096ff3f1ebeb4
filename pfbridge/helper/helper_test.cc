// The program itself, on files for tables.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "pfbridge/helper/command.h"
#include "pfbridge/helper/helper_fixture.h"
#include "pfbridge/helper/stream.h"

namespace deferd::bridge {
namespace {

using namespace std::chrono_literals;

TEST_F(HelperTest, SpeaksOnStandardInputAndOutput) {
  const auto result =
      run_command({DEFERD_HELPER, "--table", "white=file:" + file("white"), "--stdio"},
                  hello_and({Add{0, {{one, 60}, {net, 0}}}, Remove{0, {one}}, Read{0}, Add{1, {}}}), {20s, 100'000});
  ASSERT_TRUE(result.ok()) << result.failure << result.message;
  const std::vector<Message> expected{Hello{1, {"white"}}, Done{"", 2}, Done{"", 1},
                                      Entries{{net}},      Done{"", 1}, Done{"the helper has no table of this number", 0}};
  EXPECT_EQ(messages(result.output), expected);
  EXPECT_EQ(text_of("white"), "2001:db8::/32\n");
}

TEST_F(HelperTest, HangsUpOnWhatIsNotOfTheProtocol) {
  const auto result =
      run_command({DEFERD_HELPER, "--table", "white=file:" + file("white")}, "GET / HTTP/1.1\r\n\r\n", {20s, 100'000});
  EXPECT_EQ(messages(result.output).size(), 1u);
  EXPECT_EQ(result.message, "deferd-helper: deferd said something that is not of the protocol; hanging up\n");
}

TEST_F(HelperTest, ChecksItsTables) {
  std::vector<std::string> argv{DEFERD_HELPER, "--table", "white=file:" + file("white"), "--check"};
  EXPECT_EQ(run_command(argv, {}).output, "white: ok\n");
  argv.insert(argv.end(), {"--bypass", "file:" + file("absent/bypass")});
  const auto result = run_command(argv, {});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.output.find("bypass: "), std::string::npos) << result.output;
}

TEST_F(HelperTest, RefusesWrongOptions) { EXPECT_EQ(run_command({DEFERD_HELPER, "--table", "white"}, {}).exit_code, 64); }

constexpr const char* kEverybody = "0.0.0.0/1\n128.0.0.0/1\n::/1\n8000::/1\n";

/// A helper on a socket, with a switch.
class HelperEndTest : public HelperTest {
 protected:
  ~HelperEndTest() override {
    if (pid > 0) ::kill(pid, SIGKILL);
    if (pid > 0) ::waitpid(pid, nullptr, 0);
  }
  void start(int input, const std::string& bypass) {
    pid = spawn({DEFERD_HELPER, "--table", "white=file:" + file("white"), "--bypass", "file:" + bypass, "--socket", file("sock")},
                input);
    for (int i = 0; i < 2000 && !std::filesystem::exists(file("sock")); ++i) std::this_thread::sleep_for(10ms);
  }
  /// Its exit code; -1: a signal, or it does not end.
  int code() {
    int status = 0;
    for (int i = 0; i < 2000; ++i) {
      if (::waitpid(pid, &status, WNOHANG) == pid) {
        pid = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
      }
      std::this_thread::sleep_for(10ms);
    }
    return -1;
  }

  pid_t pid = -1;
};

TEST_F(HelperEndTest, LetsEverybodyPassWhenItIsAskedToEnd) {
  start(nothing(), file("bypass"));
  ::kill(pid, SIGTERM);
  EXPECT_EQ(code(), 0);
  EXPECT_EQ(text_of("bypass"), kEverybody);
}

TEST_F(HelperEndTest, EndsLikewiseWithWhoHoldsItsStandardInput) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  start(ends[0], file("bypass"));
  EXPECT_EQ(::waitpid(pid, nullptr, WNOHANG), 0);
  ::close(ends[0]);
  ::close(ends[1]);
  EXPECT_EQ(code(), 0);
  EXPECT_EQ(text_of("bypass"), kEverybody);
}

TEST_F(HelperEndTest, FailsIfNotEverybodyCanPass) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  start(ends[0], file("absent/bypass"));
  ::close(ends[0]);
  ::close(ends[1]);
  EXPECT_EQ(code(), 1);
}

TEST_F(HelperTest, GivesAwayNothingInTheFolderOfSomebodyElse) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root could";
  const auto* nobody = ::getpwnam("nobody");
  ASSERT_NE(nobody, nullptr);
  ASSERT_EQ(::chown(folder.c_str(), nobody->pw_uid, nobody->pw_gid), 0);
  const auto tried = [&](const char* owner) {
    std::string error;
    const Stream stream(file("sock"), owner, error);
    struct stat made {};
    if (error.empty() && ::lstat(file("sock").c_str(), &made) == 0 && made.st_uid != nobody->pw_uid) error = "not his";
    return error;
  };
  EXPECT_EQ(tried("nobody"), "");
  EXPECT_NE(tried("daemon").find("not permitted"), std::string::npos) << "nobody cannot do that";
  EXPECT_EQ(::geteuid(), 0u);
}

/// The helper as a service of its own.
class HelperSocketTest : public HelperTest {
 protected:
  HelperSocketTest() {
    pid = spawn({DEFERD_HELPER, "--table", "white=file:" + file("white"), "--socket", file("sock")}, nothing());
  }
  ~HelperSocketTest() override {
    if (pid < 0) return;
    ::kill(pid, SIGTERM);
    ::waitpid(pid, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    EXPECT_FALSE(std::filesystem::exists(file("sock")));
  }

  pid_t pid = -1;
  int status = 0;
};

TEST_F(HelperSocketTest, ServesOneAfterTheOther) {
  const int first = connect(pid);
  ASSERT_GE(first, 0);
  struct stat mode {};
  ASSERT_EQ(::stat(file("sock").c_str(), &mode), 0);
  EXPECT_EQ(mode.st_mode & 0777u, 0600u);
  const auto add = hello_and({Add{0, {{one, 0}}}});
  ASSERT_EQ(::write(first, add.data(), add.size()), static_cast<ssize_t>(add.size()));
  EXPECT_EQ(hear(first, 2).size(), 2u);
  const int second = connect(pid);  // deferd was started anew
  EXPECT_EQ(hear(second, 1), std::vector<Message>{(Hello{1, {"white"}})});
  EXPECT_TRUE(hear(first, 1).empty());  // and the old one is let go
  const auto read = hello_and({Read{0}});
  ASSERT_EQ(::write(second, read.data(), read.size()), static_cast<ssize_t>(read.size()));
  EXPECT_EQ(hear(second, 2), (std::vector<Message>{Entries{{one}}, Done{"", 1}}));
  ::close(first);
  ::close(second);
}

TEST_F(HelperSocketTest, DoesNotTakeTheSocketOfAnother) {
  ::close(connect(pid));
  const auto result =
      run_command({DEFERD_HELPER, "--table", "white=file:" + file("white"), "--socket", file("sock")}, {}, {20s, 1000});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.message.find("another helper listens there"), std::string::npos) << result.message;
}

}  // namespace
}  // namespace deferd::bridge
