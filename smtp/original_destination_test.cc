#include "smtp/original_destination.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

namespace deferd::smtp {
namespace {

/// Both ends of a connection to `::ffff:127.0.0.1` or the like, made by an IPv6 listener that takes both families.
struct Connected {
  int listener = -1, client = -1, server = -1;
  std::uint16_t port = 0;
  sockaddr_storage peer{};

  /// `to_port` 0: the listener's. `redirect` is called with the listener's.
  explicit Connected(
      const char* to, std::uint16_t to_port = 0, void (*redirect)(std::uint16_t) = [](std::uint16_t) {}) {
    listener = ::socket(AF_INET6, SOCK_STREAM, 0);
    const int off = 0;
    ::setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    socklen_t size = sizeof address;
    if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener, 1) != 0 ||
        ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error(std::strerror(errno));
    port = ntohs(address.sin6_port);
    redirect(port);
    if (to_port != 0) address.sin6_port = htons(to_port);
    ::inet_pton(AF_INET6, to, &address.sin6_addr);
    client = ::socket(AF_INET6, SOCK_STREAM, 0);
    if (::connect(client, reinterpret_cast<sockaddr*>(&address), size) != 0) throw std::runtime_error(std::strerror(errno));
    socklen_t peer_size = sizeof peer;
    server = ::accept(listener, reinterpret_cast<sockaddr*>(&peer), &peer_size);
  }
  Connected(const Connected&) = delete;
  Connected& operator=(const Connected&) = delete;
  ~Connected() {
    for (const int socket : {server, client, listener}) ::close(socket);
  }
};

TEST(OriginalDestination, IsTheLocalAddressOfWhatWasNotRedirected) {
  const Connected v6("::1");
  EXPECT_EQ(original_destination(v6.server), (Endpoint{Address::parse("::1").value(), v6.port}));
  EXPECT_EQ(endpoint_of(v6.peer), original_destination(v6.client));
}

TEST(OriginalDestination, AMappedAddressIsIPv4) {
  const Connected mapped("::ffff:127.0.0.1");
  EXPECT_EQ(original_destination(mapped.server), (Endpoint{Address::parse("127.0.0.1").value(), mapped.port}));
  EXPECT_EQ(endpoint_of(mapped.peer), original_destination(mapped.client));
}

#ifdef __linux__
void run(const std::string& command) {
  if (std::system(command.c_str()) != 0) throw std::runtime_error(command);
}

void redirect_port_25(std::uint16_t port) {
  run("PATH=$PATH:/usr/sbin:/sbin; ip link set lo up && ip addr add 192.0.2.1/32 dev lo && "
      "ip addr add 2001:db8::1/128 dev lo nodad && "
      "nft add table inet t && nft 'add chain inet t out { type nat hook output priority -100; }' && "
      "nft add rule inet t out tcp dport 25 redirect to :" +
      std::to_string(port));
}

// In a network of the child's own; its exit code tells.
int original_destination_of(const char* to) {
  const pid_t child = ::fork();
  if (child == 0) {
    int code = 1;
    try {
      if (::unshare(CLONE_NEWNET) == 0) {
        const Connected redirected(to, 25, redirect_port_25);
        const auto mapped = std::string_view(to).starts_with("::ffff:") ? to + 7 : to;
        code = original_destination(redirected.server) == Endpoint{Address::parse(mapped).value(), 25} ? 0 : 2;
      }
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(OriginalDestination, IsWhereARedirectedClientMeantToGo) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root for a network of its own";
  if (std::system("PATH=$PATH:/usr/sbin:/sbin; command -v nft >/dev/null") != 0) GTEST_SKIP() << "nft is not installed";
  EXPECT_EQ(original_destination_of("::ffff:192.0.2.1"), 0);
  EXPECT_EQ(original_destination_of("2001:db8::1"), 0);
}
#endif

TEST(OriginalDestination, AUnixSocketHasNone) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  EXPECT_EQ(original_destination(ends[0]), Endpoint{});
  sockaddr_storage unnamed{};
  unnamed.ss_family = AF_UNIX;
  EXPECT_EQ(endpoint_of(unnamed), Endpoint{});
  for (const int end : ends) ::close(end);
}

}  // namespace
}  // namespace deferd::smtp
