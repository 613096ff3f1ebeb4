#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <future>

#include "deferd/testing/fake_host.h"
#include "deferd/testing/processes.h"
#include "source.h"
#include "testing_support.h"

namespace deferd::blacklist {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class FetchCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() == 0 && ::seteuid(65534) == 0) was_root_ = true;
  }
  void TearDown() override {
    if (was_root_) {
      ASSERT_EQ(::seteuid(0), 0);
    }
  }
  std::string run(const std::vector<std::string>& words) {
    std::string came;
    progress.bytes = 0;
    const auto fetched = fetch_command(words, limits, {progress, stop, &host.commands()}, into(came));
    return fetched ? came : "error: " + fetched.error().what;
  }
  std::string shell(const std::string& script) { return run({"/bin/sh", "-c", script}); }

  FakeHost host;
  FetchLimits limits{1 << 20, 20s, {}};
  Progress progress;
  std::atomic<bool> stop{false};
  bool was_root_ = false;
};

TEST_F(FetchCommand, TakesTheOutputOfAProgram) {
  EXPECT_EQ(run({"printf", "%s\\n", "192.0.2.1", "$HOME; rm *"}), "192.0.2.1\n$HOME; rm *\n");
  EXPECT_EQ(progress.bytes, 22u);
}

TEST_F(FetchCommand, IgnoresNoSignalThatWeIgnore) {
  const auto former = ::signal(SIGUSR1, SIG_IGN);
  EXPECT_EQ(shell("kill -USR1 $$; echo 192.0.2.1"), "error: the program was ended by signal " + std::to_string(SIGUSR1));
  ::signal(SIGUSR1, former);
}

TEST_F(FetchCommand, TakesNoOutputOfAProgramThatFails) {
  EXPECT_EQ(shell("echo 192.0.2.1; exit 3"), "error: the program ended with status 3");
  EXPECT_EQ(shell("echo 192.0.2.1; kill -9 $$"), "error: the program was ended by signal 9");
  EXPECT_THAT(run({"/no/such/program"}), HasSubstr("error: /no/such/program: No such file"));
}

TEST_F(FetchCommand, WaitsForNobodyWhoHoldsTheOutputOfAProgramThatHasEnded) {
  limits.time = 10s;
  EXPECT_EQ(shell("setsid sleep 15 & echo 192.0.2.1"), "192.0.2.1\n");
}

TEST_F(FetchCommand, FailsWhileNoProgramsAreRun) {
  host.break_commands({Errc::unavailable, "the command runner is away"});
  EXPECT_EQ(run({"true"}), "error: the command runner is away");
}

TEST_F(FetchCommand, TakesNoMoreThanItMay) {
  limits.bytes = 1000;
  EXPECT_EQ(shell("yes"), "error: is larger than 1000 bytes");
  EXPECT_THAT(shell("head -c 1000 /dev/zero"), SizeIs(1000));
}

TEST_F(FetchCommand, HandsOnWhatComesAndEndsWhenNoMoreIsWanted) {
  std::uint64_t largest = 0, all = 0;
  limits.bytes = 1 << 30;
  const auto take = [&](std::string_view bytes) -> Result<void> {
    largest = std::max<std::uint64_t>(largest, bytes.size());
    all += bytes.size();
    return all < 1'000'000 ? Result<void>() : fail(Errc::conflict, "enough");
  };
  const auto fetched = fetch_command({"yes", "192.0.2.1"}, limits, {progress, stop, &host.commands()}, take);
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().what, "enough");
  EXPECT_LE(largest, 64u << 10);
}

TEST_F(FetchCommand, EndsWhatDoesNotEndInTime) {
  limits.time = 300ms;
  EXPECT_EQ(shell("sleep 600"), "error: the program did not end in time");
  EXPECT_EQ(shell("exec >&-; sleep 600"), "error: the program did not end in time");
}

TEST_F(FetchCommand, EndsWhatItsProgramHasStarted) {
  limits.time = 10min;
  TestFolder folder;
  auto fetch = std::async(std::launch::async, [&] { return shell("sleep 600 & echo $! > " + folder.file("pid") + "; wait"); });
  const bool started = soon([&] { return folder.read("pid").ends_with('\n'); });
  stop = true;
  EXPECT_EQ(fetch.get(), "error: was stopped");
  ASSERT_TRUE(started);
  const auto pid = std::stoi(folder.read("pid"));
  EXPECT_TRUE(soon([&] { return !runs(pid); }));
}

TEST_F(FetchCommand, EndsWhenItIsStopped) {
  limits.time = 10min;
  auto fetch = std::async(std::launch::async, [&] { return shell("echo 192.0.2.1; sleep 600"); });
  EXPECT_TRUE(soon([&] { return progress.bytes != 0; }));
  stop = true;
  EXPECT_EQ(fetch.get(), "error: was stopped");
}

TEST(FetchCommandAsRoot, RunsNothing) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs to be run by root";
  FakeHost host;
  Progress progress;
  const std::atomic<bool> stop{false};
  std::string came;
  const auto fetched = fetch_command({"true"}, {100, 20s, {}}, {progress, stop, &host.commands()}, into(came));
  ASSERT_FALSE(fetched);
  EXPECT_THAT(fetched.error().what, HasSubstr("not run as root"));
}

}  // namespace
}  // namespace deferd::blacklist
