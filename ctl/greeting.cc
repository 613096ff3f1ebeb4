#include "ctl/greeting.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "deferd/time.h"

namespace deferd::ctl {
namespace {

using Steady = std::chrono::steady_clock;
constexpr std::size_t kLongest = 512;  // RFC 5321 section 4.5.3.1.5

struct Socket {
  int descriptor;
  ~Socket() {
    if (descriptor >= 0) ::close(descriptor);
  }
};

Error system_error(int error) { return {Errc::unavailable, std::strerror(error)}; }

/// False: the time is over.
bool wait(int descriptor, short events, Steady::time_point deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now()).count();
    if (left <= 0) return false;
    pollfd one{descriptor, events, 0};
    const int ready = ::poll(&one, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

int connect(int descriptor, const Endpoint& endpoint) {
  const auto bytes = endpoint.address.bytes();
  if (endpoint.address.is_v4()) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(endpoint.port);
    std::memcpy(&to.sin_addr, bytes.data(), bytes.size());
    return ::connect(descriptor, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(endpoint.port);
  std::memcpy(&to.sin6_addr, bytes.data(), bytes.size());
  return ::connect(descriptor, reinterpret_cast<const sockaddr*>(&to), sizeof to);
}

}  // namespace

Result<std::string> greeting(const Endpoint& endpoint, std::chrono::milliseconds patience) {
  const auto deadline = Steady::now() + patience;
  const Error late{Errc::busy, "nothing heard within " + format_duration(patience)};
  const Socket socket{::socket(endpoint.address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM, 0)};
  if (socket.descriptor < 0) return tl::unexpected(system_error(errno));
  ::fcntl(socket.descriptor, F_SETFD, FD_CLOEXEC);
  ::fcntl(socket.descriptor, F_SETFL, O_NONBLOCK);
  if (connect(socket.descriptor, endpoint) != 0) {
    if (errno != EINPROGRESS) return tl::unexpected(system_error(errno));
    if (!wait(socket.descriptor, POLLOUT, deadline)) return tl::unexpected(late);
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket.descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return tl::unexpected(system_error(error));
  }
  std::string line;
  while (line.find('\n') == line.npos && line.size() < kLongest) {
    if (!wait(socket.descriptor, POLLIN, deadline)) return tl::unexpected(late);
    char bytes[kLongest];
    const auto count = ::recv(socket.descriptor, bytes, sizeof bytes, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (count < 0) return tl::unexpected(system_error(errno));
    if (count == 0) return fail(Errc::unavailable, "it hangs up without a word");
    line.append(bytes, static_cast<std::size_t>(count));
  }
  return line.substr(0, std::min(line.find_first_of("\r\n"), kLongest));
}

}  // namespace deferd::ctl
