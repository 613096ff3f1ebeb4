#include "ops/signals.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "ops/descriptors.h"
#include "ops/test_support.h"

namespace deferd {
namespace {

using namespace std::chrono_literals;

constexpr auto kLong = 30s;

TEST(SignalWaiter, TurnsSignalsIntoEvents) {
  SignalWaiter waiter;
  kill(getpid(), SIGHUP);
  EXPECT_EQ(waiter.wait_for(kLong), MainEvent::reload);
  kill(getpid(), SIGTERM);
  EXPECT_EQ(waiter.wait_for(kLong), MainEvent::terminate);
  kill(getpid(), SIGINT);
  EXPECT_EQ(waiter.wait_for(kLong), MainEvent::terminate);
  EXPECT_EQ(waiter.wait_for(0s), std::nullopt);
}

TEST(SignalWaiter, TakesWithoutWaitingWhatIsThere) {
  SignalWaiter waiter;
  kill(getpid(), SIGHUP);
  EXPECT_EQ(waiter.wait_for(0s), MainEvent::reload);
  EXPECT_EQ(waiter.wait_for(0s), std::nullopt);
}

TEST(SignalWaiter, CountsHangupsInARowAsOne) {
  SignalWaiter waiter;
  for (int i = 0; i < 3; ++i) kill(getpid(), SIGHUP);
  EXPECT_EQ(waiter.wait_for(kLong), MainEvent::reload);
  EXPECT_EQ(waiter.wait_for(0s), std::nullopt);
}

TEST(SignalWaiter, TellsOfTheEndBeforeAReload) {
  SignalWaiter waiter;
  waiter.post(MainEvent::reload);
  waiter.post(MainEvent::terminate);
  EXPECT_EQ(waiter.wait(), MainEvent::terminate);
  EXPECT_EQ(waiter.wait(), MainEvent::reload);
}

TEST(SignalWaiter, IsWokenByAnotherThread) {
  SignalWaiter waiter;
  std::jthread other([&] { waiter.post(MainEvent::reload); });
  EXPECT_EQ(waiter.wait_for(kLong), MainEvent::reload);
}

TEST(SignalWaiter, TakesAnyNumberOfPosts) {
  SignalWaiter waiter;
  for (int i = 0; i < 200'000; ++i) waiter.post(MainEvent::reload);  // more than a pipe holds
  EXPECT_EQ(waiter.wait(), MainEvent::reload);
  EXPECT_EQ(waiter.wait_for(0s), std::nullopt);
}

TEST(SignalWaiter, IsWokenByOtherDescriptors) {
  SignalWaiter waiter;
  auto [here, there] = make_pipe();
  pollfd others[] = {{-1, 0, 0}, {here.get(), POLLIN, 0}};
  EXPECT_EQ(waiter.wait_for(0s, others), std::nullopt);
  EXPECT_EQ(others[1].revents, 0);
  ASSERT_EQ(write(there.get(), "x", 1), 1);
  EXPECT_EQ(waiter.wait_for(kLong, others), std::nullopt);
  EXPECT_EQ(others[0].revents, 0);
  EXPECT_EQ(others[1].revents, POLLIN);
}

TEST(SignalWaiter, TakesSignalsThoughAnotherDescriptorIsAlwaysReady) {
  SignalWaiter waiter;
  auto [here, there] = make_pipe();
  there = {};
  pollfd other{here.get(), POLLIN, 0};
  kill(getpid(), SIGTERM);
  EXPECT_EQ(waiter.wait_for(kLong, {&other, 1}), MainEvent::terminate);
}

TEST(SignalWaiter, TellsOfChildrenIfItIsToldTo) {
  SignalWaiter waiter(SignalWaiter::Children::told);
  const pid_t child = fork();
  if (child == 0) _exit(0);
  EXPECT_EQ(waiter.wait_for(kLong), MainEvent::child);
  EXPECT_EQ(waitpid(child, nullptr, 0), child);  // of this one: there may be others, orphans of earlier tests
}

TEST(SignalWaiter, IgnoresClosedPipes) {
  SignalWaiter waiter;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  EXPECT_EQ(write(ends[1], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  close(ends[1]);
}

TEST(BlockSignals, KeepsSignalsAwayButNotFaults) {
  std::jthread([] {
    block_signals();
    sigset_t set;
    pthread_sigmask(SIG_BLOCK, nullptr, &set);
    EXPECT_TRUE(sigismember(&set, SIGHUP));
    EXPECT_TRUE(sigismember(&set, SIGTERM));
    EXPECT_FALSE(sigismember(&set, SIGSEGV));
  }).join();
}

}  // namespace
}  // namespace deferd
