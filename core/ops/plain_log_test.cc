#include "ops/plain_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <chrono>

#include "base/clock.h"
#include "ops/descriptors.h"
#include "ops/test_support.h"

namespace deferd {
namespace {

using test::contents;
using test::in_child;
using test::TempDir;

LogConfig plain_to(const std::string& place) {
  LogConfig config;
  config.to = place;
  return config;
}

TEST(PlainLog, WritesALineAtOnce) {
  const TempDir dir;
  const SystemClock clock;
  PlainLog log(plain_to(dir / "log"), clock, std::nullopt);
  log.error("monitor.worker_ended", {{"how", "killed by signal 9"}});
  log.debug("monitor.detail", {});
  EXPECT_NE(contents(dir / "log").find(" error monitor.worker_ended how=\"killed by signal 9\"\n"), std::string::npos);
  EXPECT_EQ(contents(dir / "log").find("detail"), std::string::npos);
}

TEST(PlainLog, GoesOnInANewFile) {
  const TempDir dir;
  const SystemClock clock;
  PlainLog log(plain_to(dir / "log"), clock, std::nullopt);
  log.notice("one", {});
  std::filesystem::rename(dir / "log", dir / "log.1");
  log.reopen(plain_to(dir / "log"));
  log.notice("two", {});
  EXPECT_NE(contents(dir / "log.1").find("one"), std::string::npos);
  EXPECT_NE(contents(dir / "log").find("two"), std::string::npos);
}

TEST(PlainLog, StaysWhereItWasIfTheNewPlaceCannotBeOpened) {
  const TempDir dir;
  const SystemClock clock;
  PlainLog log(plain_to(dir / "log"), clock, std::nullopt);
  log.reopen(plain_to("/nonexistent/log"));
  EXPECT_NE(contents(dir / "log").find("monitor.log_failed what=\"cannot open the log /nonexistent/log"), std::string::npos);
}

TEST(PlainLog, SaysOnStandardErrorThatItCannotBeOpened) {
  const auto outcome = in_child([] {
    const SystemClock clock;
    PlainLog log(plain_to("/nonexistent/log"), clock, std::nullopt);
    return 0;
  });
  EXPECT_NE(outcome.output.find("monitor.log_failed"), std::string::npos) << outcome.output;
}

TEST(PlainLog, WaitsOnceForAReaderThatDoesNotReadAndTellsHowMuchIsLost) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const auto outcome = in_child([&] {
    dup2(ends[1], STDERR_FILENO);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    const std::string full(4096, '.');
    while (::write(ends[1], full.data(), full.size()) > 0) {
    }
    const SystemClock clock;
    PlainLog log(plain_to("stderr"), clock, std::nullopt);
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 40; ++i) log.notice("lost", {});
    if (std::chrono::steady_clock::now() - begin > std::chrono::seconds(40)) return 1;  // two seconds each
    char bytes[4096];
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    while (::read(ends[0], bytes, sizeof bytes) > 0) {
    }
    log.notice("back", {});
    const auto got = ::read(ends[0], bytes, sizeof bytes);
    dprintf(STDOUT_FILENO, "%.*s", static_cast<int>(got), bytes);
    return 0;
  });
  close(ends[0]);
  close(ends[1]);
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(outcome.output.find("log.lost lines=40\n"), std::string::npos) << outcome.output;
  EXPECT_NE(outcome.output.find(" back\n"), std::string::npos) << outcome.output;
}

#ifdef __linux__

/// A syslogd that reads only when asked to; in a process of its own, as its /dev/log is that of a root folder of its own.
class StandInSyslogd {
 public:
  explicit StandInSyslogd(const TempDir& root) {
    std::filesystem::create_directory(root / "dev");
    start(root / "dev/log");
    if (chroot(root.path().c_str()) != 0 || chdir("/") != 0) _exit(98);
    alarm(60);  // else whoever waits for it would for ever
  }
  void start(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    unlink(path.c_str());
    socket_ = Descriptor(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) _exit(97);
  }
  std::vector<std::string> read() const {
    std::vector<std::string> lines;
    char bytes[4096];
    for (ssize_t got; (got = recv(socket_.get(), bytes, sizeof bytes, 0)) > 0;)
      lines.emplace_back(bytes, static_cast<std::size_t>(got));
    return lines;
  }

 private:
  Descriptor socket_;
};

TEST(PlainLog, DoesNotWaitForASyslogdThatDoesNotReadAndTellsHowMuchIsLost) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can have a /dev/log of its own";
  const TempDir root;
  const auto outcome = in_child([&] {
    const StandInSyslogd syslogd(root);
    const SystemClock clock;
    PlainLog log(plain_to("syslog"), clock, std::nullopt);
    for (int i = 0; i < 5000; ++i) log.notice("one", {});
    const auto taken = syslogd.read().size();
    log.error("back", {});
    for (const auto& line : syslogd.read()) dprintf(STDOUT_FILENO, "%s\n", line.c_str());
    dprintf(STDOUT_FILENO, "lost %zu pid %d", 5000 - taken, getpid());
    return taken > 0 && taken < 5000 ? 0 : 1;
  });
  EXPECT_EQ(outcome.code, 0);
  const auto lost = outcome.output.substr(outcome.output.rfind("lost ") + 5),
             pid = outcome.output.substr(outcome.output.rfind(' ') + 1);
  EXPECT_NE(outcome.output.find("deferd[" + pid + "]: log.lost lines=" + lost.substr(0, lost.find(' ')) + '\n'),
            std::string::npos)
      << outcome.output;
  EXPECT_NE(outcome.output.find("\n<19>"), std::string::npos) << "mail.err: " << outcome.output;
  EXPECT_NE(outcome.output.find(": back\n"), std::string::npos) << outcome.output;
}

TEST(PlainLog, FindsASyslogdThatWasStartedAnew) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can have a /dev/log of its own";
  const TempDir root;
  const auto outcome = in_child([&] {
    StandInSyslogd syslogd(root);
    const SystemClock clock;
    PlainLog log(plain_to("syslog"), clock, std::nullopt);
    log.notice("one", {});
    syslogd.start("/dev/log");
    log.notice("two", {});
    return static_cast<int>(syslogd.read().size());
  });
  EXPECT_EQ(outcome.code, 1);
}

#endif

TEST(PlainLog, DoesNotWaitForSomebodyToOpenAFifo) {
  const TempDir dir;
  ASSERT_EQ(mkfifo((dir / "log").c_str(), 0600), 0);
  const auto outcome = in_child([&] {
    alarm(60);  // else it would be for ever
    const SystemClock clock;
    PlainLog log(plain_to(dir / "log"), clock, std::nullopt);
    return 0;
  });
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(outcome.output.find("monitor.log_failed"), std::string::npos) << outcome.output;
}

TEST(PlainLog, MakesAFileOfItsOwner) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can make files of others";
  const TempDir dir;
  const auto nobody = find_account("nobody", "");
  ASSERT_EQ(chown(dir.path().c_str(), nobody.uid, nobody.gid), 0);
  const SystemClock clock;
  PlainLog log(plain_to(dir / "log"), clock, nobody);
  log.notice("one", {});
  struct stat status {};
  ASSERT_EQ(stat((dir / "log").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, nobody.uid);
  EXPECT_EQ(status.st_gid, nobody.gid);
  EXPECT_EQ(geteuid(), 0u);
  EXPECT_EQ(getegid(), 0u);
}

TEST(PlainLog, FollowsNoLinkThatItsOwnerCouldNotFollow) {
  if (geteuid() != 0) GTEST_SKIP() << "only root could follow it";
  const TempDir dir;
  std::ofstream(dir / "secret") << "";
  chmod((dir / "secret").c_str(), 0600);
  chmod(dir.path().c_str(), 0755);
  std::filesystem::create_symlink(dir / "secret", dir / "log");
  const auto outcome = in_child([&] {
    const SystemClock clock;
    PlainLog log(plain_to(dir / "log"), clock, find_account("nobody", ""));
    log.notice("one", {});
    return 0;
  });
  EXPECT_EQ(contents(dir / "secret"), "");
  EXPECT_NE(outcome.output.find("Permission denied"), std::string::npos) << outcome.output;
}

}  // namespace
}  // namespace deferd
