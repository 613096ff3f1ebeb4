#include "ops/own_commands.h"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "deferd/testing/processes.h"
#include "ops/descriptors.h"
#include "ops/test_support.h"

namespace deferd {
namespace {

using ::testing::HasSubstr;

class OwnCommandsTest : public ::testing::Test {
 protected:
  std::unique_ptr<Running> start(std::vector<std::string> words, Command::Talk talk = Command::Talk::listen) {
    Command command;
    command.words = std::move(words);
    command.talk = talk;
    return or_throw(commands.start(command));
  }
  std::unique_ptr<Running> shell(const std::string& script) { return start({"/bin/sh", "-c", script}); }

  /// All that it says, up to the end of its output.
  static std::string read_all(Running& running) {
    std::string all;
    char bytes[512];
    while (true) {
      const auto got = ::read(running.descriptor(), bytes, sizeof bytes);
      if (got > 0) all.append(bytes, static_cast<std::size_t>(got));
      if (got == 0) return all;
      pollfd waiting{running.descriptor(), POLLIN, 0};
      if (got < 0 && errno == EAGAIN && ::poll(&waiting, 1, 30'000) != 1) return all + " and then nothing more";
    }
  }
  static CommandEnd end_of(Running& running) {
    EXPECT_TRUE(soon([&] { return running.ended().has_value(); }));
    return running.ended().value_or(CommandEnd{CommandEnd::How::lost, -1});
  }
  /// The process whose number it prints.
  static pid_t pid_from(const Running& running) {
    char bytes[32] = {};
    EXPECT_TRUE(soon([&] { return ::read(running.descriptor(), bytes, sizeof bytes - 1) > 1; }));
    return std::atoi(bytes);
  }
  static bool is_child(pid_t pid) {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
  }

  OwnCommands commands;
};

TEST_F(OwnCommandsTest, GiveWordsAsTheyAreWithoutAShell) {
  const auto running = start({"printf", "%s,", "$HOME; rm *", "", "`id`"});
  EXPECT_EQ(read_all(*running), "$HOME; rm *,,`id`,");
  EXPECT_TRUE(end_of(*running).well());
}

TEST_F(OwnCommandsTest, GiveNothingOfOurs) {
  const Descriptor ours[] = {Descriptor(::dup(0)), Descriptor(::dup(0))};
  const auto running = shell("cat; pwd; ls /proc/self/fd | wc -l; env | cut -d= -f1 | sort | grep -v -e _ -e PWD -e SHLVL");
  EXPECT_EQ(read_all(*running), "/\n4\nPATH\n");
}

TEST_F(OwnCommandsTest, TalkBothWays) {
  const auto running = start({"cat"}, Command::Talk::both);
  ASSERT_EQ(::send(running->descriptor(), "hello", 5, MSG_NOSIGNAL), 5);
  ::shutdown(running->descriptor(), SHUT_WR);
  EXPECT_EQ(read_all(*running), "hello");
  EXPECT_TRUE(end_of(*running).well());
}

TEST_F(OwnCommandsTest, DoNotBlock) {
  const auto running = start({"sleep", "1000"});
  char byte;
  EXPECT_EQ(::read(running->descriptor(), &byte, 1), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_FALSE(running->ended());
}

TEST_F(OwnCommandsTest, TellHowItEnded) {
  EXPECT_EQ(to_string(end_of(*shell("exit 3"))), "the program ended with status 3");
  EXPECT_EQ(to_string(end_of(*shell("kill -9 $$"))), "the program was ended by signal 9");
  EXPECT_FALSE(end_of(*shell("kill -9 $$")).well());
  EXPECT_FALSE(end_of(*shell("exit 3")).well());
}

TEST_F(OwnCommandsTest, RefuseWhatCannotBeRun) {
  const auto refused = [&](std::vector<std::string> words) {
    Command command;
    command.words = std::move(words);
    const auto started = commands.start(command);
    return started ? "started" : started.error().what;
  };
  EXPECT_THAT(refused({"/no/such/program"}), HasSubstr("/no/such/program: No such file"));
  EXPECT_THAT(refused({}), HasSubstr("missing"));
  EXPECT_THAT(refused({""}), HasSubstr("missing"));
  EXPECT_THAT(refused({"true", std::string("a\0b", 3)}), HasSubstr("NUL"));
  EXPECT_THAT(refused(std::vector<std::string>(257, "true")), HasSubstr("256 words"));
  EXPECT_THAT(refused({"true", std::string(8'000, 'x')}), HasSubstr("8,000 bytes"));
}

TEST_F(OwnCommandsTest, KillWithAllItHasStarted) {
  const auto running = shell("sleep 1000 & echo $!; wait");
  const pid_t its_child = pid_from(*running);
  running->kill();
  EXPECT_EQ(to_string(end_of(*running)), "the program was ended by signal 9");
  EXPECT_TRUE(soon([&] { return !runs(its_child); }));
}

TEST_F(OwnCommandsTest, KillWhatAProgramLeavesBehindWhenItEnds) {
  const auto running = shell("sleep 1000 & echo $!");
  const pid_t its_child = pid_from(*running);
  EXPECT_TRUE(end_of(*running).well());
  EXPECT_TRUE(soon([&] { return !runs(its_child); }));
}

TEST_F(OwnCommandsTest, EndWhatNobodyHoldsAnyMoreAndLeaveNoZombie) {
  auto running = shell("echo $$; exec sleep 1000");
  const pid_t pid = pid_from(*running);
  running.reset();
  EXPECT_TRUE(soon([&] {
    commands.reap();
    return !is_child(pid);
  }));
}

TEST_F(OwnCommandsTest, LeaveAloneWhatShallSeeByItself) {
  Command command;
  command.words = {"/bin/sh", "-c", "echo $$; read line; exec sleep 1000"};
  command.talk = Command::Talk::both;
  command.at_end = Command::AtEnd::left;
  auto running = or_throw(commands.start(command));
  const pid_t pid = pid_from(*running);
  running.reset();
  commands.reap();
  // It sees the end of its input, and goes on as it likes.
  EXPECT_TRUE(soon([&] { return test::contents("/proc/" + std::to_string(pid) + "/comm") == "sleep\n"; }));
  ::kill(pid, SIGKILL);
  EXPECT_TRUE(soon([&] {
    commands.reap();
    return !is_child(pid);
  }));
}

TEST_F(OwnCommandsTest, EndWithAllThatIsStillHeldAndStartNothingMore) {
  const auto killed = shell("sleep 1000 & echo $!; wait");
  Command command;
  command.words = {"/bin/sh", "-c", "echo $$; exec sleep 1000"};
  command.at_end = Command::AtEnd::left;
  auto left = or_throw(commands.start(command));
  const pid_t its_child = pid_from(*killed), stays = pid_from(*left);
  commands.end();
  EXPECT_EQ(to_string(end_of(*killed)), "the program was ended by signal 9");
  EXPECT_TRUE(soon([&] { return !runs(its_child); }));
  EXPECT_FALSE(left->ended());
  EXPECT_TRUE(runs(stays));
  EXPECT_EQ(commands.start(command).error().code, Errc::unavailable);
  left->kill();
  end_of(*left);
}

TEST_F(OwnCommandsTest, MayBeGoneBeforeWhatTheyHaveStarted) {
  auto own = std::make_unique<OwnCommands>();
  Command command;
  command.words = {"echo", "hello"};
  const auto running = or_throw(own->start(command));
  own.reset();
  EXPECT_EQ(read_all(*running), "hello\n");
  EXPECT_TRUE(end_of(*running).well());
}

}  // namespace
}  // namespace deferd
