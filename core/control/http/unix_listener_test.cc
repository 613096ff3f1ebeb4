#include "http/unix_listener.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "http/testing_socket.h"

namespace deferd {
namespace {

class UnixListenerTest : public ::testing::Test {
 protected:
  Result<UnixListener> open(mode_t mode = 0660) { return UnixListener::open(path, {{}, {}, {mode}}); }

  SocketFolder folder;
  std::string path = folder.file("control.sock");
};

TEST_F(UnixListenerTest, GivesTheSocketItsMode) {
  auto listener = open(0620);
  ASSERT_TRUE(listener) << listener.error().what;
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_TRUE(S_ISSOCK(status.st_mode));
  EXPECT_EQ(status.st_mode & 07777, 0620u);
}

TEST_F(UnixListenerTest, RemovesTheSocketAtItsEnd) {
  { ASSERT_TRUE(open()); }
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_TRUE(open());
}

TEST_F(UnixListenerTest, ReplacesASocketThatNobodyServes) {
  const int abandoned = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(abandoned, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ::close(abandoned);
  auto listener = open();
  ASSERT_TRUE(listener) << listener.error().what;
  RawClient client(path);
}

TEST_F(UnixListenerTest, NeverTakesALiveSocket) {
  auto first = open();
  ASSERT_TRUE(first);
  auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::busy);
  EXPECT_NE(second.error().what.find("another deferd"), std::string::npos);
  RawClient client(path);
}

TEST_F(UnixListenerTest, NeverTakesALiveSocketWithoutALock) {
  auto first = open();
  ASSERT_TRUE(first);
  std::filesystem::remove(path + ".lock");
  auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::busy);
  RawClient client(path);
}

TEST_F(UnixListenerTest, LeavesAFileThatIsNoSocketAlone) {
  std::ofstream(path) << "precious";
  auto listener = open();
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().code, Errc::invalid);
  EXPECT_TRUE(std::filesystem::is_regular_file(path));
}

TEST_F(UnixListenerTest, SaysHowLongAPathMayBe) {
  path = folder.file(std::string(120, 'x'));
  auto listener = open();
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().code, Errc::invalid);
  EXPECT_NE(listener.error().what.find("107 bytes"), std::string::npos) << listener.error().what;
}

TEST_F(UnixListenerTest, SaysWhichGroupIsUnknown) {
  auto listener = UnixListener::open(path, {{}, "no-such-group", {}});
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().code, Errc::invalid);
  EXPECT_NE(listener.error().what.find("no-such-group"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(UnixListenerTest, SaysWhichFolderIsMissing) {
  path = folder.file("none/control.sock");
  auto listener = open();
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().code, Errc::io);
  EXPECT_NE(listener.error().what.find("No such file"), std::string::npos) << listener.error().what;
}

}  // namespace
}  // namespace deferd
