#include "smtp/original_destination.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

namespace deferd::smtp {
namespace {

/// Both ends of a connection to `::ffff:127.0.0.1` or the like, made by an IPv6 listener that takes both families.
struct Connected {
  int listener = -1, client = -1, server = -1;
  std::uint16_t port = 0;

  explicit Connected(const char* to) {
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
    ::inet_pton(AF_INET6, to, &address.sin6_addr);
    client = ::socket(AF_INET6, SOCK_STREAM, 0);
    if (::connect(client, reinterpret_cast<sockaddr*>(&address), size) != 0) throw std::runtime_error(std::strerror(errno));
    server = ::accept(listener, nullptr, nullptr);
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
  EXPECT_EQ(peer(v6.client), (Endpoint{Address::parse("::1").value(), v6.port}));
}

TEST(OriginalDestination, AMappedAddressIsIPv4) {
  const Connected mapped("::ffff:127.0.0.1");
  EXPECT_EQ(original_destination(mapped.server), (Endpoint{Address::parse("127.0.0.1").value(), mapped.port}));
  EXPECT_EQ(peer(mapped.server), original_destination(mapped.client));
}

TEST(OriginalDestination, AUnixSocketHasNone) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  EXPECT_EQ(original_destination(ends[0]), Endpoint{});
  EXPECT_EQ(peer(ends[0]), Endpoint{});
  for (const int end : ends) ::close(end);
}

}  // namespace
}  // namespace deferd::smtp
