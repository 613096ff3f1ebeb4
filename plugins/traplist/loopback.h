// For the tests: servers on loopback, at ports that the system chooses.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

#include "config.h"

namespace deferd::traplist {

/// Accepts one connection after another; `talk` has each as long as it likes and may not outlive stop().
class LoopbackServer {
 public:
  using Talk = std::function<void(int connection)>;
  explicit LoopbackServer(Talk talk) : talk_(std::move(talk)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(name);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&name), size) != 0 || ::listen(listener_, 128) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&name), &size) != 0)
      throw std::runtime_error("cannot listen on loopback");
    endpoint_ = {Address::v4(INADDR_LOOPBACK), ntohs(name.sin_port)};
    thread_ = std::thread([this] { serve(); });
  }
  ~LoopbackServer() { stop(); }

  const Endpoint& endpoint() const { return endpoint_; }

  /// Nobody listens there any longer.
  void stop() {
    if (!thread_.joinable()) return;
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);  // wakes accept()
    thread_.join();
    ::close(listener_);
  }

 private:
  void serve() {
    while (!stopping_) {
      const int connection = ::accept(listener_, nullptr, nullptr);
      if (connection < 0) continue;
      talk_(connection);
      ::close(connection);
    }
  }

  const Talk talk_;
  int listener_ = -1;
  Endpoint endpoint_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

inline void say(int connection, std::string_view text) {
  [[maybe_unused]] const auto sent = ::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
}

/// The next line, with its end; empty if the peer has left.
inline std::string hear_line(int connection) {
  std::string line;
  for (char c = 0; c != '\n' && ::recv(connection, &c, 1, 0) == 1;) line += c;
  return line.ends_with('\n') ? line : "";
}

/// What comes until the peer is silent for good: it has left.
inline std::string hear_all(int connection) {
  std::string all;
  char piece[1000];
  for (ssize_t got; (got = ::recv(connection, piece, sizeof(piece), 0)) > 0;) all.append(piece, static_cast<std::size_t>(got));
  return all;
}

}  // namespace deferd::traplist
