// For tests: an MTA that plays a part, one connection after another, on a free port of 127.0.0.1.
#pragma once
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "net/listener.h"

namespace deferd::smtp {

/// One client of the fake MTA, by blocking calls; nothing blocks for longer than 20 s.
class FakeMtaClient {
 public:
  explicit FakeMtaClient(int descriptor) : descriptor_(descriptor) {
    const timeval limit{20, 0};
    ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  }
  FakeMtaClient(const FakeMtaClient&) = delete;
  FakeMtaClient& operator=(const FakeMtaClient&) = delete;
  ~FakeMtaClient() { ::close(descriptor_); }

  /// From now on little is taken that nobody has read.
  void take_little() {
    const int size = 64 * 1024;
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  }

  void say(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  /// The next line without its end; empty at the end of the connection.
  std::string line() {
    std::string text;
    for (char c = 0; read(&c, 1) && c != '\n';) text += c;
    if (text.ends_with('\r')) text.pop_back();
    return text;
  }
  std::string bytes(std::size_t size) {
    std::string text(size, '\0');
    if (!read(text.data(), size)) text.clear();
    return text;
  }
  /// The PROXY header of an IPv4 client.
  std::string header() { return bytes(28); }
  /// Everything up to the end of the connection.
  std::string rest() {
    std::string text;
    while (fill()) text += std::exchange(unread_, {});
    return text;
  }
  void half_close() { ::shutdown(descriptor_, SHUT_WR); }
  /// The connection is reset, not closed.
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }

 private:
  bool read(char* into, std::size_t size) {
    for (; size > 0 && fill(); --size, ++into) {
      *into = unread_.front();
      unread_.erase(0, 1);
    }
    return size == 0;
  }
  /// There is something in unread_. False: the connection has ended.
  bool fill() {
    if (!unread_.empty()) return true;
    unread_.resize(4096);
    const auto got = ::recv(descriptor_, unread_.data(), unread_.size(), 0);
    unread_.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return got > 0;
  }

  int descriptor_;
  std::string unread_;
};

class FakeMta {
 public:
  using Part = std::function<void(FakeMtaClient&)>;

  /// A port that was free, where nobody listens yet.
  static std::uint16_t free_port() { return open(0).port(); }

  explicit FakeMta(Part part, std::uint16_t port = 0) : part_(std::move(part)), listener_(open(port)) {
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeMta() {
    stopping_ = true;
    thread_.join();
  }

  std::uint16_t port() const { return listener_.port(); }
  std::string address() const { return "127.0.0.1:" + std::to_string(port()); }

 private:
  static Listener open(std::uint16_t port) { return or_throw(Listener::open(Listener::Tcp{*Address::parse("127.0.0.1"), port})); }
  void serve() {
    std::vector<std::thread> clients;
    while (!stopping_) {
      pollfd waiting{listener_.descriptor(), POLLIN, 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      const int descriptor = ::accept(listener_.descriptor(), nullptr, nullptr);
      if (descriptor < 0) continue;
      clients.emplace_back([this, descriptor] {
        FakeMtaClient client(descriptor);
        part_(client);
      });
    }
    for (auto& client : clients) client.join();
  }

  const Part part_;
  Listener listener_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

/// Greets, honours the PROXY header, and takes everything but recipients outside of example.org.
inline void play_mta(FakeMtaClient& client) {
  client.header();
  client.say("220 fake ESMTP\r\n");
  for (std::string line; !(line = client.line()).empty();) {
    if (line.starts_with("EHLO"))
      client.say("250-fake\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-STARTTLS\r\n250-CHUNKING\r\n250 8bitmime\r\n");
    else if (line.starts_with("RCPT") && line.find("@example.org>") == line.npos)
      client.say("554 5.7.1 Relay access denied\r\n");
    else if (line == "DATA")
      client.say("354 go on\r\n");
    else if (line == "QUIT")
      return client.say("221 bye\r\n");
    else
      client.say("250 ok\r\n");
  }
}

}  // namespace deferd::smtp
