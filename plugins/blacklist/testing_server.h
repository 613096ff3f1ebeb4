// For tests: an HTTP server on loopback that answers exactly the bytes it is told to, and lies if it is told to.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace deferd::blacklist {

/// One connection at a time, one request on each: a redirect must say `Connection: close`, or its follower may come by the one
/// that is being closed.
class TestServer {
 public:
  struct Answer {
    std::string bytes;
    bool hangs = false;  ///< Nothing follows the bytes, and the connection stays open until the client goes.
  };
  /// Gets the request line and headers; called on the server's thread.
  using Script = std::function<Answer(const std::string& request)>;

  explicit TestServer(Script script = {})
      : script_(std::move(script)), socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(place);
    if (::bind(socket_, reinterpret_cast<sockaddr*>(&place), length) != 0 || ::listen(socket_, 16) != 0 ||
        ::getsockname(socket_, reinterpret_cast<sockaddr*>(&place), &length) != 0)
      throw std::runtime_error("no socket for the test server");
    port_ = ntohs(place.sin_port);
    thread_ = std::thread(&TestServer::run, this);
  }
  ~TestServer() {
    stop_ = true;
    thread_.join();
    ::close(socket_);
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  std::string url(const std::string& path = "/list") const { return "http://127.0.0.1:" + std::to_string(port_) + path; }
  void say(Script script) {
    const std::lock_guard lock(mutex_);
    script_ = std::move(script);
  }
  void say(std::string bytes) {
    say([bytes = std::move(bytes)](const std::string&) { return Answer{bytes}; });
  }
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

  static std::string ok(const std::string& body, const std::string& headers = {}) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body;
  }

 private:
  bool readable(int descriptor) const {
    pollfd entry{descriptor, POLLIN, 0};
    while (!stop_)
      if (::poll(&entry, 1, 20) > 0) return true;
    return false;
  }

  void run() {
    while (readable(socket_)) {
      const int peer = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
      if (peer >= 0) serve(peer);
      if (peer >= 0) ::close(peer);
    }
  }

  void serve(int peer) {
    std::string request;
    char piece[4096];
    while (request.find("\r\n\r\n") == request.npos) {
      const auto got = readable(peer) ? ::recv(peer, piece, sizeof(piece), 0) : 0;
      if (got <= 0) return;
      request.append(piece, static_cast<std::size_t>(got));
    }
    Script script;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
      script = script_;
    }
    const auto answer = script(request);
    std::string_view rest = answer.bytes;
    while (!rest.empty()) {
      const auto sent = ::send(peer, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    while (answer.hangs && readable(peer) && ::recv(peer, piece, sizeof(piece), 0) > 0) {
    }
  }

  Script script_;
  const int socket_;
  int port_ = 0;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace deferd::blacklist
