#include "ops/notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

#include "ops/test_support.h"

namespace deferd {
namespace {

using test::TempDir;

/// Stands for the service manager.
class NotifyTest : public ::testing::Test {
 protected:
  NotifyTest() {
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    unsetenv("NOTIFY_SOCKET");
  }
  ~NotifyTest() override {
    if (fd != -1) close(fd);
  }
  void listen(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (name[0] == '@' ? 0 : 1));
    ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), length), 0) << std::strerror(errno);
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  std::string heard() const {
    char bytes[2048];
    const ssize_t got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    return got < 0 ? "nothing" : std::string(bytes, static_cast<std::size_t>(got));
  }
  TempDir dir;
  int fd = -1;
};

TEST_F(NotifyTest, TellsTheManagerHowItGoes) {
  listen(dir / "notify");
  Notifier notifier;
  EXPECT_TRUE(notifier.active());
  notifier.ready();
  EXPECT_EQ(heard(), "READY=1");
  notifier.reloading(SteadyTime(std::chrono::milliseconds(1234567)));
  EXPECT_EQ(heard(), "RELOADING=1\nMONOTONIC_USEC=1234567000");
  notifier.status("3 sessions\nREADY=1");
  EXPECT_EQ(heard(), "STATUS=3 sessions READY=1");
  notifier.alive();
  EXPECT_EQ(heard(), "WATCHDOG=1");
  notifier.stopping();
  EXPECT_EQ(heard(), "STOPPING=1");
}

TEST_F(NotifyTest, KnowsAbstractSockets) {
  listen("@deferd-test-" + std::to_string(getpid()));
  Notifier notifier;
  notifier.ready();
  EXPECT_EQ(heard(), "READY=1");
}

TEST_F(NotifyTest, HidesTheManagerFromProgramsWeStart) {
  listen(dir / "notify");
  setenv("WATCHDOG_USEC", "1000000", 1);
  Notifier notifier;
  EXPECT_EQ(getenv("NOTIFY_SOCKET"), nullptr);
  EXPECT_EQ(getenv("WATCHDOG_USEC"), nullptr);
}

TEST_F(NotifyTest, IsSilentWithoutAManager) {
  for (const char* name : {"", "relative", "/nonexistent/notify", "@"}) {
    setenv("NOTIFY_SOCKET", name, 1);
    Notifier notifier;
    EXPECT_FALSE(notifier.active()) << name;
    notifier.ready();
  }
}

TEST_F(NotifyTest, DoesNotWaitForAManagerThatDoesNotRead) {
  listen(dir / "notify");
  Notifier notifier;
  for (int i = 0; i < 10000; ++i) notifier.alive();
  EXPECT_EQ(heard(), "WATCHDOG=1");
}

TEST_F(NotifyTest, KnowsItsWatchdog) {
  EXPECT_EQ(Notifier().watchdog(), std::nullopt);
  setenv("WATCHDOG_USEC", "30000000", 1);
  EXPECT_EQ(Notifier().watchdog(), std::chrono::seconds(30));
  setenv("WATCHDOG_USEC", "30000000", 1);
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  EXPECT_EQ(Notifier().watchdog(), std::chrono::seconds(30));
  setenv("WATCHDOG_USEC", "30000000", 1);
  setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(Notifier().watchdog(), std::nullopt);
  setenv("WATCHDOG_USEC", "soon", 1);
  EXPECT_EQ(Notifier().watchdog(), std::nullopt);
}

}  // namespace
}  // namespace deferd
