#include "ops/process.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>

#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include "ops/descriptors.h"
#include "ops/test_support.h"

namespace deferd {
namespace {

using test::in_child;

TEST(Process, KnowsThatItsParentIsGone) {
  EXPECT_TRUE(in_child([parent = getpid()] { return end_with(parent) ? 1 : 0; }).code == 1);
  EXPECT_TRUE(in_child([] { return end_with(1234567) ? 1 : 0; }).code == 0);
}

#if defined(__linux__)
TEST(Process, EndsWithItsParent) {
  auto [watch, held] = make_pipe();  // ends when nobody holds the other end any more
  const pid_t parent = fork();
  if (parent == 0) {
    auto [ready, tell] = make_pipe();
    const pid_t self = getpid();
    if (fork() == 0) {
      reset_signals();  // other tests of this program block SIGTERM
      if (!end_with(self)) _exit(1);
      [[maybe_unused]] const auto told = write(tell.get(), "x", 1);
      while (true) pause();
    }
    tell = {};
    char byte;
    [[maybe_unused]] const auto heard = read(ready.get(), &byte, 1);
    kill(self, SIGKILL);
  }
  held = {};
  char byte;
  EXPECT_EQ(read(watch.get(), &byte, 1), 0);
  waitpid(parent, nullptr, 0);
}

TEST(Process, GainsNoPrivilegesAnyMore) {
  const auto outcome = in_child([] {
    gain_no_privileges();
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
  });
  EXPECT_EQ(outcome.code, 1);
}
#endif

TEST(Process, HasItsSignalsBack) {
  const auto outcome = in_child([] {
    signal(SIGPIPE, SIG_IGN);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, nullptr);
    reset_signals();
    struct sigaction action {};
    sigaction(SIGPIPE, nullptr, &action);
    sigset_t blocked;
    sigprocmask(SIG_BLOCK, nullptr, &blocked);
    return action.sa_handler == SIG_DFL && sigismember(&blocked, SIGTERM) == 0 ? 0 : 1;
  });
  EXPECT_EQ(outcome.code, 0);
}

}  // namespace
}  // namespace deferd
