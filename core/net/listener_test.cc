#include "net/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>

#include <fstream>

#include "net/testing_socket.h"

namespace deferd {
namespace {

class ListenerTest : public ::testing::Test {
 protected:
  Result<Listener> open(mode_t mode = 0660) { return Listener::open(path, {{}, {}, {mode}}); }

  SocketFolder folder;
  std::string path = folder.file("control.sock");
};

TEST_F(ListenerTest, GivesTheSocketItsMode) {
  auto listener = open(0620);
  ASSERT_TRUE(listener) << listener.error().what;
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_TRUE(S_ISSOCK(status.st_mode));
  EXPECT_EQ(status.st_mode & 07777, 0620u);
}

TEST_F(ListenerTest, RemovesTheSocketAtItsEnd) {
  { ASSERT_TRUE(open()); }
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_TRUE(open());
}

TEST_F(ListenerTest, ReplacesASocketThatNobodyServes) {
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

TEST_F(ListenerTest, NeverTakesALiveSocket) {
  auto first = open();
  ASSERT_TRUE(first);
  auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::busy);
  EXPECT_NE(second.error().what.find("another deferd"), std::string::npos);
  RawClient client(path);
}

TEST_F(ListenerTest, NeverTakesALiveSocketWithoutALock) {
  auto first = open();
  ASSERT_TRUE(first);
  std::filesystem::remove(path + ".lock");
  auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::busy);
  RawClient client(path);
}

TEST_F(ListenerTest, LeavesAFileThatIsNoSocketAlone) {
  std::ofstream(path) << "precious";
  auto listener = open();
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().code, Errc::invalid);
  EXPECT_TRUE(std::filesystem::is_regular_file(path));
}

TEST_F(ListenerTest, SaysHowLongAPathMayBe) {
  path = folder.file(std::string(120, 'x'));
  auto listener = open();
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().code, Errc::invalid);
  EXPECT_NE(listener.error().what.find("107 bytes"), std::string::npos) << listener.error().what;
}

TEST_F(ListenerTest, SaysWhichGroupIsUnknown) {
  auto listener = Listener::open(path, {{}, "no-such-group", {}});
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().code, Errc::invalid);
  EXPECT_NE(listener.error().what.find("no-such-group"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(ListenerTest, SaysWhichFolderIsMissing) {
  path = folder.file("none/control.sock");
  auto listener = open();
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().code, Errc::io);
  EXPECT_NE(listener.error().what.find("No such file"), std::string::npos) << listener.error().what;
}

TEST_F(ListenerTest, GivesASocketToAnotherOwnerLater) {
  auto listener = open(0600);
  ASSERT_TRUE(listener);
  ASSERT_TRUE(listener->give_to({{}, {}, {0666}}));
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0666u);
}

TEST_F(ListenerTest, NeverBlocksAndIsNotInherited) {
  auto listener = open();
  ASSERT_TRUE(listener);
  EXPECT_EQ(::accept(listener->descriptor(), nullptr, nullptr), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(::fcntl(listener->descriptor(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

/// A client; -1: nobody is there (errno).
int client_of(const Address& address, std::uint16_t port) {
  sockaddr_in6 v6{};
  sockaddr_in v4{};
  if (address.is_v4()) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, address.bytes().data(), 4);
  } else {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, address.bytes().data(), 16);
  }
  const int client = ::socket(address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int result = address.is_v4() ? ::connect(client, reinterpret_cast<const sockaddr*>(&v4), sizeof v4)
                                     : ::connect(client, reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
  if (result == 0) return client;
  const int error = errno;
  ::close(client);
  errno = error;
  return -1;
}

/// 0, or why nobody is there.
int connect_to(const Address& address, std::uint16_t port) {
  const int client = client_of(address, port);
  if (client < 0) return errno;
  ::close(client);
  return 0;
}

const Address kLoopback = *Address::parse("127.0.0.1"), kLoopback6 = *Address::parse("::1");

TEST(TcpListener, TellsThePortItGot) {
  for (const auto& address : {kLoopback, kLoopback6}) {
    auto listener = Listener::open({address, 0});
    ASSERT_TRUE(listener) << listener.error().what;
    EXPECT_NE(listener->port(), 0);
    EXPECT_EQ(connect_to(address, listener->port()), 0) << address.to_string();
  }
}

#if defined(TCP_QUICKACK)
TEST(TcpListener, HasWhatItAcceptsAcknowledgeWithAnswers) {
  auto listener = Listener::open({kLoopback, 0});
  ASSERT_TRUE(listener) << listener.error().what;
  const int client = client_of(kLoopback, listener->port());
  ASSERT_GE(client, 0);
  const int accepted = ::accept(listener->descriptor(), nullptr, nullptr);
  ASSERT_GE(accepted, 0);
  int by_a_packet_of_its_own = -1;
  socklen_t size = sizeof by_a_packet_of_its_own;
  EXPECT_EQ(::getsockopt(accepted, IPPROTO_TCP, TCP_QUICKACK, &by_a_packet_of_its_own, &size), 0);
  EXPECT_EQ(by_a_packet_of_its_own, 0);
  ::close(accepted);
  ::close(client);
}
#endif

TEST(TcpListener, NeverSharesAPort) {
  auto first = Listener::open({kLoopback, 0});
  ASSERT_TRUE(first);
  auto second = Listener::open({kLoopback, first->port()});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::busy);
  EXPECT_NE(second.error().what.find("127.0.0.1:" + std::to_string(first->port())), std::string::npos) << second.error().what;
}

TEST(TcpListener, LeavesIpv4ToOthersOnTheIpv6Wildcard) {
  auto listener = Listener::open({*Address::parse("::"), 0});
  ASSERT_TRUE(listener) << listener.error().what;
  EXPECT_EQ(connect_to(kLoopback6, listener->port()), 0);
  EXPECT_EQ(connect_to(kLoopback, listener->port()), ECONNREFUSED);
}

TEST(TcpListener, ListensAtAnAddressThatIsNotThereYet) {
  const auto absent = *Address::parse("192.0.2.1"), absent6 = *Address::parse("2001:db8::1");
  for (const auto& address : {absent, absent6}) {
    const auto refused = Listener::open({address, 0});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::unavailable) << refused.error().what;
    const auto listener = Listener::open({address, 0, true});
    EXPECT_TRUE(listener) << listener.error().what;
  }
}

TEST(TcpListener, ClosesItsPort) {
  std::uint16_t port = 0;
  {
    auto listener = Listener::open({kLoopback, 0});
    ASSERT_TRUE(listener);
    auto moved = std::move(*listener);
    port = moved.port();
    EXPECT_EQ(connect_to(kLoopback, port), 0);
  }
  EXPECT_EQ(connect_to(kLoopback, port), ECONNREFUSED);
}

}  // namespace
}  // namespace deferd
