#include "ops/notify.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace deferd {
namespace {

std::string take_variable(const char* name) {
  const char* value = std::getenv(name);
  std::string taken = value == nullptr ? "" : value;
  unsetenv(name);
  return taken;
}

std::int64_t number_of(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

/// A connected socket, or -1. `path` starting with @ is an abstract name (unix(7)).
int connect_to(const std::string& path) {
  sockaddr_un address{};
  if (path.size() < 2 || (path[0] != '/' && path[0] != '@') || path.size() >= sizeof address.sun_path) return -1;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  if (path[0] == '@')
    address.sun_path[0] = '\0';
  else
    ++length;

  const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  if (fd < 0) return -1;
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), length) == 0) return fd;
  close(fd);
  return -1;
}

}  // namespace

Notifier::Notifier() {
  fd_ = connect_to(take_variable("NOTIFY_SOCKET"));
  const auto interval = number_of(take_variable("WATCHDOG_USEC"));
  const auto pid = take_variable("WATCHDOG_PID");
  if (interval > 0 && (pid.empty() || number_of(pid) == getpid())) watchdog_ = std::chrono::microseconds(interval);
}

Notifier::~Notifier() {
  if (fd_ >= 0) close(fd_);
}

void Notifier::ready() { send("READY=1"); }

void Notifier::reloading(SteadyTime now) {
  const auto since_boot = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch());
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(since_boot.count()));
}

void Notifier::stopping() { send("STOPPING=1"); }

void Notifier::status(std::string_view text) {
  std::string message = "STATUS=" + std::string(text.substr(0, 512));
  std::replace(message.begin(), message.end(), '\n', ' ');
  send(message);
}

void Notifier::alive() { send("WATCHDOG=1"); }

void Notifier::send(const std::string& message) {
  if (fd_ >= 0) ::send(fd_, message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace deferd
