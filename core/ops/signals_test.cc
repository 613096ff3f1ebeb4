#include "ops/signals.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

namespace deferd {
namespace {

using namespace std::chrono_literals;

constexpr auto kLong = 30s;

TEST(SignalWaiter, TurnsSignalsIntoEvents) {
  SignalWaiter waiter;
  waiter.take_signals();
  kill(getpid(), SIGHUP);
  EXPECT_EQ(waiter.wait_for(kLong), MainEvent::reload);
  kill(getpid(), SIGTERM);
  EXPECT_EQ(waiter.wait_for(kLong), MainEvent::terminate);
  kill(getpid(), SIGINT);
  EXPECT_EQ(waiter.wait_for(kLong), MainEvent::terminate);
  EXPECT_EQ(waiter.wait_for(0s), std::nullopt);
}

TEST(SignalWaiter, HoldsSignalsBackUntilTheyAreTaken) {
  SignalWaiter waiter;
  kill(getpid(), SIGHUP);
  EXPECT_EQ(waiter.wait_for(0s), std::nullopt);
  waiter.take_signals();
  EXPECT_EQ(waiter.wait(), MainEvent::reload);
}

TEST(SignalWaiter, CountsHangupsInARowAsOne) {
  SignalWaiter waiter;
  waiter.take_signals();
  for (int i = 0; i < 3; ++i) kill(getpid(), SIGHUP);
  EXPECT_EQ(waiter.wait_for(kLong), MainEvent::reload);
  EXPECT_EQ(waiter.wait_for(0s), std::nullopt);
}

TEST(SignalWaiter, TellsOfTheEndBeforeAReload) {
  SignalWaiter waiter;
  waiter.take_signals();
  kill(getpid(), SIGHUP);
  kill(getpid(), SIGTERM);
  waiter.post(MainEvent::failed);
  EXPECT_EQ(waiter.wait(), MainEvent::failed);
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

TEST(SignalWaiter, IgnoresClosedPipes) {
  SignalWaiter waiter;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  EXPECT_EQ(write(ends[1], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  close(ends[1]);
}

// libmilter keeps a thread like this one, which stops the milter when it gets a SIGHUP.
TEST(SignalWaiter, LeavesNothingToAThreadInSigwait) {
  SignalWaiter waiter;
  int stolen = 0;
  std::jthread thief([&] {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGHUP, SIGTERM, SIGINT}) sigaddset(&set, number);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    for (int number = 0; sigwait(&set, &number) == 0 && number != SIGTERM;) ++stolen;
  });
  waiter.take_signals();

  const pid_t sender = fork();
  if (sender == 0) {
    for (int i = 0; i < 20'000; ++i) kill(getppid(), SIGHUP);
    kill(getppid(), SIGINT);
    _exit(0);
  }
  int reloads = 0;
  for (auto event = waiter.wait_for(kLong); event == MainEvent::reload; event = waiter.wait_for(kLong)) {
    ++reloads;
    for (volatile int busy = 0; busy < 100'000;) busy = busy + 1;  // a reload takes a while
  }
  if (waiter.wait_for(0s)) ++reloads;
  waitpid(sender, nullptr, 0);
  pthread_kill(thief.native_handle(), SIGTERM);
  thief.join();
  EXPECT_EQ(stolen, 0);
  EXPECT_GT(reloads, 0);
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
