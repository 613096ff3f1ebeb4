// Into the background, pid file, privileges, limits: what happens once, before there are threads. The tests hold for root and for
// ordinary users.
#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <vector>

#include "ops/daemonize.h"
#include "ops/fd_limit.h"
#include "ops/pid_file.h"
#include "ops/privileges.h"
#include "ops/test_support.h"

namespace deferd {
namespace {

using test::contents;
using test::in_child;
using test::TempDir;

bool is_root() { return geteuid() == 0; }

TEST(Background, LetsTheShellGoOnceItIsReady) {
  const auto outcome = in_child([]() -> int {
    auto background = Background::enter();
    dprintf(STDERR_FILENO, getsid(0) == getpid() ? "own session" : "old session");
    background.ready();
    dprintf(STDERR_FILENO, "nobody sees this");
    _exit(1);
  });
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.output, "own session");
}

TEST(Background, PassesOnWhyItCouldNotStart) {
  const auto outcome = in_child([]() -> int {
    auto background = Background::enter();
    dprintf(STDERR_FILENO, "deferd.yaml:3:5: no such key");
    _exit(78);
  });
  EXPECT_EQ(outcome.code, 78);
  EXPECT_EQ(outcome.output, "deferd.yaml:3:5: no such key");
}

TEST(Background, TellsOfACrashAtStart) {
  const auto outcome = in_child([]() -> int {
    auto background = Background::enter();
    kill(getpid(), SIGKILL);
    _exit(0);
  });
  EXPECT_EQ(outcome.code, 70);
  EXPECT_EQ(outcome.output, "deferd: killed by signal 9 before it was ready\n");
}

TEST(Background, IsAFailureToEndBeforeItIsReady) {
  const auto outcome = in_child([]() -> int {
    auto background = Background::enter();
    _exit(0);
  });
  EXPECT_EQ(outcome.code, 70);
}

TEST(PidFile, HoldsOurPidWhileWeRun) {
  const TempDir dir;
  {
    PidFile file(dir / "pid");
    EXPECT_EQ(contents(dir / "pid"), std::to_string(getpid()) + "\n");
  }
  EXPECT_FALSE(std::filesystem::exists(dir / "pid"));
}

TEST(PidFile, KeepsASecondDaemonOut) {
  const TempDir dir;
  PidFile file(dir / "pid");
  const auto outcome = in_child([&] {
    PidFile second(dir / "pid");
    return 0;
  });
  EXPECT_EQ(outcome.output, "already running as pid " + std::to_string(getpid()) + " (" + (dir / "pid") + ")");
  EXPECT_EQ(contents(dir / "pid"), std::to_string(getpid()) + "\n");
}

TEST(PidFile, TakesOverOneThatACrashLeft) {
  const TempDir dir;
  std::ofstream(dir / "pid") << "1234567890\n";
  PidFile file(dir / "pid");
  EXPECT_EQ(contents(dir / "pid"), std::to_string(getpid()) + "\n");
}

TEST(PidFile, IsEmptiedWhereItCannotBeRemoved) {
  const TempDir dir;
  const auto outcome = in_child([&] {
    PidFile file(dir / "pid");
    if (!drop_privileges("nobody", "")) chmod(dir.path().c_str(), 0500);
    return 0;
  });
  chmod(dir.path().c_str(), 0700);
  EXPECT_EQ(outcome.code, 0) << outcome.output;
  EXPECT_TRUE(std::filesystem::exists(dir / "pid"));
  EXPECT_EQ(contents(dir / "pid"), "");
}

TEST(PidFile, LeavesTheFileOfAnotherAlone) {
  const TempDir dir;
  {
    PidFile file(dir / "pid");
    std::filesystem::remove(dir / "pid");
    std::ofstream(dir / "pid") << "17\n";
  }
  EXPECT_EQ(contents(dir / "pid"), "17\n");
}

TEST(PidFile, IsNotWrittenThroughALink) {
  const TempDir dir;
  std::filesystem::create_symlink(dir / "target", dir / "pid");
  EXPECT_THROW(PidFile(dir / "pid"), ErrorException);
  EXPECT_FALSE(std::filesystem::exists(dir / "target"));
}

TEST(PidFile, SaysWhereItCannotBeMade) {
  try {
    PidFile file("/nonexistent/pid");
    FAIL();
  } catch (const ErrorException& e) {
    EXPECT_STREQ(e.what(), "pid file /nonexistent/pid: No such file or directory");
  }
}

TEST(Privileges, AreGivenUpForGood) {
  const auto outcome = in_child([] {
    const bool was_root = is_root();
    const uid_t before = getuid();
    if (drop_privileges("nobody", "") != was_root) return 1;
    if (!was_root) return getuid() == before ? 0 : 2;
    const auto* nobody = getpwnam("nobody");
    if (getuid() != nobody->pw_uid || geteuid() != nobody->pw_uid || getgid() != nobody->pw_gid) return 3;
    if (seteuid(0) == 0 || setegid(0) == 0) return 4;
    std::vector<gid_t> groups(100);
    groups.resize(static_cast<std::size_t>(std::max(0, getgroups(100, groups.data()))));
    for (const auto group : groups)
      if (group == 0) return 5;
    return drop_privileges("root", "") ? 6 : 0;  // an ordinary user has nothing to give up
  });
  EXPECT_EQ(outcome.code, 0) << outcome.output;
}

TEST(Privileges, TakeTheGroupThatIsAskedFor) {
  const auto* group = getgrnam("daemon");
  ASSERT_NE(group, nullptr);
  const auto outcome = in_child([&] { return drop_privileges("nobody", "daemon") == (getgid() == group->gr_gid) ? 0 : 1; });
  EXPECT_EQ(outcome.code, 0) << outcome.output;
}

/// What drop_privileges says to root; an ordinary user is told nothing.
std::string refusal(const std::string& user, const std::string& group) {
  return in_child([&] { return drop_privileges(user, group) ? 1 : 0; }).output;
}
#define EXPECT_REFUSED(refused, part)                                          \
  if (const auto said = (refused); is_root())                                  \
    EXPECT_NE(said.find(part), std::string::npos) << "said: '" << said << "'"; \
  else                                                                         \
    EXPECT_EQ(said, "")

TEST(Privileges, AreNotKeptByRoot) {
  EXPECT_REFUSED(refusal("", ""), "refusing to run as root");
  EXPECT_REFUSED(refusal("root", ""), "'root' is root");
  EXPECT_REFUSED(refusal("nobody", "root"), "'root' is root's");
}

TEST(Privileges, NameTheAccountThatIsMissing) {
  EXPECT_REFUSED(refusal("no-such-user", ""), "no account 'no-such-user'");
  EXPECT_REFUSED(refusal("nobody", "no-such-group"), "no group 'no-such-group'");
}

TEST(Privileges, KnowAccountsByName) {
  EXPECT_EQ(user_name(0), "root");
  EXPECT_EQ(user_name(4242424), "uid 4242424");
}

TEST(FdLimit, IsRaisedToWhatTheSystemAllows) {
  const auto outcome = in_child([] {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 64;
    setrlimit(RLIMIT_NOFILE, &limit);
    const auto raised = raise_fd_limit();
    return raised.before == 64 && raised.now == limit.rlim_max && raise_fd_limit().before == limit.rlim_max ? 0 : 1;
  });
  EXPECT_EQ(outcome.code, 0) << outcome.output;
}

}  // namespace
}  // namespace deferd
