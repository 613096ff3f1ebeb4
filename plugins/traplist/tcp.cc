#include "tcp.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace deferd::traplist {
namespace {

constexpr std::int64_t kSliceMs = 250;  // how long it may take to notice that it is to stop

}  // namespace

Line::~Line() { close(); }

Line& Line::operator=(Line&& other) noexcept {
  close();
  descriptor_ = std::exchange(other.descriptor_, -1);
  stop_ = std::move(other.stop_);
  return *this;
}

void Line::close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

bool Line::wait(short events, Deadline deadline) const {
  pollfd wanted{descriptor_, events, 0};
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0 || stop_.stop_requested()) return false;
    const int ready = ::poll(&wanted, 1, static_cast<int>(std::min<std::int64_t>(left.count(), kSliceMs)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

bool Line::connect(int family, const void* name, unsigned length, Deadline deadline) {
  close();
  descriptor_ = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor_ < 0) return false;
  if (::connect(descriptor_, static_cast<const sockaddr*>(name), length) == 0) return true;
  if (errno != EINPROGRESS || !wait(POLLOUT, deadline)) return false;
  int error = 0;
  socklen_t size = sizeof(error);
  return ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

bool Line::connect(const Endpoint& endpoint, Deadline deadline) {
  const auto bytes = endpoint.address.bytes();
  if (endpoint.address.is_v4()) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(endpoint.port);
    std::memcpy(&name.sin_addr, bytes.data(), bytes.size());
    return connect(AF_INET, &name, sizeof(name), deadline);
  }
  sockaddr_in6 name{};
  name.sin6_family = AF_INET6;
  name.sin6_port = htons(endpoint.port);
  std::memcpy(&name.sin6_addr, bytes.data(), bytes.size());
  return connect(AF_INET6, &name, sizeof(name), deadline);
}

bool Line::connect(const std::string& unix_path, Deadline deadline) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (unix_path.size() >= sizeof(name.sun_path)) return false;
  std::memcpy(name.sun_path, unix_path.data(), unix_path.size());
  return connect(AF_UNIX, &name, sizeof(name), deadline);
}

Address Line::local() const {
  sockaddr_storage name{};
  socklen_t size = sizeof(name);
  if (::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&name), &size) != 0) return {};
  if (name.ss_family == AF_INET) return Address::v4(ntohl(reinterpret_cast<const sockaddr_in&>(name).sin_addr.s_addr));
  if (name.ss_family != AF_INET6) return {};
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6&>(name).sin6_addr, bytes.size());
  return Address::v6(bytes);
}

bool Line::send(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    if (!wait(POLLOUT, deadline)) return false;
    const auto sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR && errno != EAGAIN) return false;
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool Line::receive(std::string& bytes, Deadline deadline) {
  char piece[4096];
  while (wait(POLLIN, deadline)) {
    const auto got = ::recv(descriptor_, piece, sizeof(piece), 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return false;
    bytes.append(piece, static_cast<std::size_t>(got));
    return true;
  }
  return false;
}

}  // namespace deferd::traplist
