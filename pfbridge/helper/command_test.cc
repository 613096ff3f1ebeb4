#include "pfbridge/helper/command.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace deferd::bridge {
namespace {

using namespace std::chrono_literals;

CommandResult shell(const char* script, std::string_view input = {}, const CommandLimits& limits = {}) {
  ::signal(SIGPIPE, SIG_IGN);
  return run_command({"/bin/sh", "-c", script}, input, limits);
}

TEST(CommandTest, GivesInputAndTakesOutput) {
  const std::string input(300'000, 'x');  // more than pipes hold, both ways
  const auto result = shell("cat; echo done >&2", input);
  EXPECT_TRUE(result.ok()) << result.failure;
  EXPECT_EQ(result.output, input);
  EXPECT_EQ(result.message, "done\n");
  EXPECT_EQ(result.exit_code, 0);
}

TEST(CommandTest, TellsHowItEnded) {
  EXPECT_EQ(shell("echo no such table >&2; exit 255").failure, "/bin/sh ended with 255: no such table");
  EXPECT_EQ(shell("exit 2").exit_code, 2);
  EXPECT_EQ(shell("kill -SEGV $$").failure, "/bin/sh died of signal 11");
  EXPECT_EQ(run_command({"/nonexistent/pfctl"}, {}).failure, "/nonexistent/pfctl: No such file or directory");
  EXPECT_FALSE(run_command({}, {}).ok());
}

TEST(CommandTest, FailsIfTheInputWasNotTaken) {
  const std::string input(1'000'000, 'x');
  EXPECT_EQ(shell("exec 0<&-; exit 0", input).failure, "/bin/sh ended before it had read its input");
  EXPECT_TRUE(shell("exit 0").ok());
}

TEST(CommandTest, EndsWhatTakesTooLongWithAllItStarted) {
  // The one in the background would hold the pipe for a minute.
  const auto begun = std::chrono::steady_clock::now();
  const auto result = shell("sleep 60 & sleep 60", {}, {200ms, 1000});
  EXPECT_EQ(result.failure, "/bin/sh took longer than 200 ms");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 30s);
}

TEST(CommandTest, DoesNotWaitForWhatIsLeftBehind) {
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(shell("sleep 45 & echo $!").ok(), true);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 30s);
}

TEST(CommandTest, BoundsWhatItKeeps) {
  EXPECT_EQ(shell("yes", {}, {20s, 1000}).failure, "/bin/sh printed more than 1000 bytes");
  const auto result = shell("yes | head -c 100000 >&2");
  EXPECT_TRUE(result.ok()) << result.failure;
  EXPECT_LE(result.message.size(), 4096u);
}

TEST(CommandTest, KeepsOutputThatComesWithTheEnd) {
  for (int i = 0; i < 20; ++i) EXPECT_EQ(shell("head -c 70000 /dev/zero").output.size(), 70'000u);
}

}  // namespace
}  // namespace deferd::bridge
