#include "base/socket_guard.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace deferd {
namespace {

namespace fs = std::filesystem;

class SocketGuardTest : public testing::Test {
 protected:
  SocketGuardTest() {
    char name[] = "/tmp/deferd-guard-XXXXXX";
    dir_ = ::mkdtemp(name);
    path = (dir_ / "milter.sock").string();
  }
  ~SocketGuardTest() override {
    for (const int fd : listeners_) ::close(fd);
    fs::remove_all(dir_);
  }
  int listen_at_path() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, path.size());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd, 5), 0);
    listeners_.push_back(fd);
    return fd;
  }
  void leave_a_stale_socket() {
    ::close(listen_at_path());
    listeners_.clear();
  }

  std::string path;

 private:
  fs::path dir_;
  std::vector<int> listeners_;
};

TEST_F(SocketGuardTest, IsRefusedToASecondProcessByName) {
  const auto first = SocketGuard::lock(path);
  ASSERT_TRUE(first);
  const auto second = SocketGuard::lock(path);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::busy);
  EXPECT_NE(second.error().what.find(path), std::string::npos);
}

TEST_F(SocketGuardTest, IsFreeAgainAfterTheFirst) {
  { const auto first = SocketGuard::lock(path); }
  EXPECT_TRUE(SocketGuard::lock(path));
}

TEST_F(SocketGuardTest, NeverTakesALiveSocket) {
  listen_at_path();
  const auto guard = SocketGuard::lock(path);
  ASSERT_FALSE(guard);
  EXPECT_EQ(guard.error().code, Errc::busy);
  EXPECT_TRUE(fs::is_socket(path));
}

TEST_F(SocketGuardTest, RemovesAStaleSocket) {
  leave_a_stale_socket();
  ASSERT_TRUE(fs::is_socket(path));
  EXPECT_TRUE(SocketGuard::lock(path));
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(SocketGuardTest, LeavesAFileAlone) {
  std::ofstream(path) << "precious";
  const auto guard = SocketGuard::lock(path);
  ASSERT_FALSE(guard);
  EXPECT_EQ(guard.error().code, Errc::invalid);
  EXPECT_TRUE(fs::exists(path));
}

TEST_F(SocketGuardTest, SetsTheModeAndRemovesItsSocketAtTheEnd) {
  {
    auto guard = SocketGuard::lock(path);
    ASSERT_TRUE(guard);
    listen_at_path();
    SocketOwner config;
    config.mode.bits = 0642;
    ASSERT_TRUE(guard->adopt(config));
    struct stat info {};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0642u);
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(SocketGuardTest, LeavesAnothersSocketAtTheEnd) {
  {
    auto guard = SocketGuard::lock(path);
    ASSERT_TRUE(guard);
    listen_at_path();
    ASSERT_TRUE(guard->adopt(SocketOwner{}));
    fs::rename(path, path + ".old");
    listen_at_path();
  }
  EXPECT_TRUE(fs::exists(path));
}

TEST_F(SocketGuardTest, NamesAnUnknownOwner) {
  auto guard = SocketGuard::lock(path);
  ASSERT_TRUE(guard);
  listen_at_path();
  SocketOwner config;
  config.group = "no-such-group";
  const auto result = guard->adopt(config);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().what.find("no-such-group"), std::string::npos);
}

}  // namespace
}  // namespace deferd
