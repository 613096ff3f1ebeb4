// The process that runs commands, and the worker's side of it. No test has threads: each forks.
#include "daemon/command_runner.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>
#include <vector>

#include "daemon/runner_commands.h"
#include "deferd/testing/processes.h"
#include "ops/spawn.h"

namespace deferd {
namespace {

class CommandRunnerTest : public ::testing::Test {
 protected:
  ~CommandRunnerTest() override { end_runner(SIGKILL); }

  /// Its channel is that of the next one the worker asks for.
  void start_runner() {
    auto ends = make_socket_pair();
    runner = fork();
    if (runner == 0) {
      close_all_but({ends.second.get()});
      _exit(CommandRunner(std::move(ends.second)).run());
    }
    fresh = std::move(ends.first);
  }
  /// Its exit code; -1: it was killed.
  int end_runner(int signal = 0) {
    if (runner <= 0) return -1;
    if (signal != 0) kill(runner, signal);
    int status = 0;
    waitpid(runner, &status, 0);
    runner = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  Result<std::unique_ptr<Running>> try_shell(const std::string& script, Command::Talk talk = Command::Talk::listen) {
    Command command;
    command.words = {"/bin/sh", "-c", script};
    command.talk = talk;
    return commands.start(command);
  }
  std::unique_ptr<Running> shell(const std::string& script, Command::Talk talk = Command::Talk::listen) {
    return or_throw(try_shell(script, talk));
  }
  /// The next that it says, or all up to the end of its output.
  static std::string hear(int descriptor, bool all) {
    std::string heard;
    char bytes[512];
    pollfd waiting{descriptor, POLLIN, 0};
    while (::poll(&waiting, 1, 30'000) == 1) {
      const auto got = ::read(descriptor, bytes, sizeof bytes);
      if (got > 0) heard.append(bytes, static_cast<std::size_t>(got));
      if (got == 0 || (!all && !heard.empty())) return heard;
    }
    return heard + " and then nothing more";
  }
  static std::string hear_all(const Running& running) { return hear(running.descriptor(), true); }
  static pid_t hear_pid(int descriptor) { return std::stoi(hear(descriptor, false)); }

  static std::string end_of(Running& running) {
    if (!soon([&] { return running.ended().has_value(); })) return "it does not end";
    return to_string(*running.ended());
  }

  pid_t runner = 0;
  Descriptor fresh;
  RunnerCommands commands{[this] { return std::exchange(fresh, {}); }};
};

TEST_F(CommandRunnerTest, RunsWhatItIsTold) {
  start_runner();
  const auto running = shell("printf '%s,' \"$0\" '$HOME'; exit 3");
  EXPECT_EQ(hear_all(*running), "/bin/sh,$HOME,");
  EXPECT_EQ(end_of(*running), "the program ended with status 3");
  const auto next = shell("kill -9 $$");
  EXPECT_EQ(end_of(*next), "the program was ended by signal 9");
}

TEST_F(CommandRunnerTest, LetsThemTalkBothWays) {
  start_runner();
  const auto running = shell("exec cat", Command::Talk::both);
  ASSERT_EQ(::send(running->descriptor(), "hello", 5, MSG_NOSIGNAL), 5);
  ::shutdown(running->descriptor(), SHUT_WR);
  EXPECT_EQ(hear_all(*running), "hello");
  EXPECT_EQ(end_of(*running), "the program ended with status 0");
}

TEST_F(CommandRunnerTest, GivesThemNothingOfItsOwn) {
  start_runner();
  const auto running = shell("cat; pwd; ls /proc/self/fd | wc -l; env | cut -d= -f1 | sort | grep -v -e _ -e PWD -e SHLVL");
  EXPECT_EQ(hear_all(*running), "/\n4\nPATH\n") << "0 to 2, and the folder that ls reads";
}

TEST_F(CommandRunnerTest, TellsWhatCannotBeExecuted) {
  start_runner();
  Command command;
  command.words = {"/no/such/program"};
  const auto running = or_throw(commands.start(command));
  EXPECT_EQ(end_of(*running), "the program cannot be executed: No such file or directory");
  EXPECT_EQ(hear_all(*running), "");
}

TEST_F(CommandRunnerTest, KillsAWholeGroup) {
  start_runner();
  const auto running = shell("sleep 1000 & echo $!; wait");
  const pid_t its_child = hear_pid(running->descriptor());
  running->kill();
  EXPECT_EQ(end_of(*running), "the program was ended by signal 9");
  EXPECT_TRUE(soon([&] { return !runs(its_child); }));
}

TEST_F(CommandRunnerTest, KillsWhatAProgramHasLeftBehind) {
  start_runner();
  const auto running = shell("sleep 1000 & echo $!");
  const pid_t its_child = hear_pid(running->descriptor());
  EXPECT_EQ(end_of(*running), "the program ended with status 0");
  EXPECT_TRUE(soon([&] { return !runs(its_child); }));
}

TEST_F(CommandRunnerTest, KillsWhatNobodyHoldsAnyMore) {
  start_runner();
  auto running = shell("echo $$; exec sleep 1000");
  const pid_t pid = hear_pid(running->descriptor());
  running.reset();
  EXPECT_TRUE(soon([&] { return !runs(pid); }));
}

TEST_F(CommandRunnerTest, IsMissedWhenItIsAway) {
  const auto started = try_shell("true");
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Errc::unavailable);
}

TEST_F(CommandRunnerTest, LosesWhatRanWhenItIsKilledAndTheNextOneServes) {
  start_runner();
  const auto running = shell("echo $$; exec sleep 1000");
  const pid_t pid = hear_pid(running->descriptor());
  EXPECT_FALSE(running->ended());
  end_runner(SIGKILL);
  EXPECT_EQ(end_of(*running), "the process that ran the program has ended");
  EXPECT_EQ(try_shell("true").error().code, Errc::unavailable);
  start_runner();
  const auto next = shell("echo hello");
  EXPECT_EQ(hear_all(*next), "hello\n");
  EXPECT_EQ(end_of(*next), "the program ended with status 0");
  EXPECT_EQ(end_of(*running), "the process that ran the program has ended");
  kill(pid, SIGKILL);
}

TEST_F(CommandRunnerTest, TellsOfManyOneAfterTheOther) {
  start_runner();
  std::vector<std::unique_ptr<Running>> all;
  for (int i = 0; i < 50; ++i) all.push_back(shell("exit " + std::to_string(i)));
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(end_of(*all[static_cast<std::size_t>(i)]), "the program ended with status " + std::to_string(i));
}

TEST_F(CommandRunnerTest, EndsWithTheWorkerAndLeavesAloneOnlyWhatShallSeeByItself) {
  start_runner();
  const auto start = [&](std::uint32_t id, Command::AtEnd at_end) {
    StartCommand order{id, {}};
    order.command.words = {"/bin/sh", "-c", "echo $$; exec sleep 1000"};
    order.command.at_end = at_end;
    auto ends = or_throw(connect_command(order.command.talk));
    const int fd = ends.second.get();
    or_throw(send_fds(fresh.get(), to_bytes(order), {&fd, 1}));
    ends.second = {};
    return hear_pid(ends.first.get());
  };
  const pid_t killed = start(1, Command::AtEnd::killed), left = start(2, Command::AtEnd::left);
  fresh = {};  // as a worker does that is killed
  EXPECT_EQ(end_runner(), 0);
  EXPECT_TRUE(soon([&] { return !runs(killed); }));
  EXPECT_TRUE(runs(left));
  kill(left, SIGKILL);
}

TEST_F(CommandRunnerTest, EndsWhenItIsTold) {
  start_runner();
  const auto running = shell("echo $$; exec sleep 1000");
  const pid_t pid = hear_pid(running->descriptor());
  EXPECT_EQ(end_runner(SIGTERM), 0);
  EXPECT_TRUE(soon([&] { return !runs(pid); }));
}

TEST_F(CommandRunnerTest, EndsWhenTheWorkerTalksNonsense) {
  start_runner();
  ASSERT_TRUE(send_fds(fresh.get(), "?", {}));
  EXPECT_EQ(end_runner(), EX_PROTOCOL);
  start_runner();
  StartCommand order{1, {}};
  order.command.words = {"true"};
  ASSERT_TRUE(send_fds(fresh.get(), to_bytes(order), {})) << "without a descriptor";
  EXPECT_EQ(end_runner(), EX_PROTOCOL);
}

}  // namespace
}  // namespace deferd
