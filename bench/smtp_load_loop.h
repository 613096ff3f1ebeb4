// Waits for many SmtpLoadConnections at once, in one thread.
#pragma once
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>

#include "smtp_load_connection.h"

namespace deferd::bench {

class SmtpLoadLoop {
 public:
  explicit SmtpLoadLoop(std::uint16_t port) : port_(port), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}
  SmtpLoadLoop(const SmtpLoadLoop&) = delete;
  SmtpLoadLoop& operator=(const SmtpLoadLoop&) = delete;
  ~SmtpLoadLoop() { ::close(epoll_); }

  /// `connection` stays where it is until it is closed. False: it was not even begun.
  bool open(SmtpLoadConnection& connection, const SmtpClient& client, SmtpLoadConnection::Role role) {
    if (!connection.begin(port_, client, role)) return false;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &connection;
    return epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.descriptor(), &event) == 0;
  }

  /// Serves what has arrived within `time`; finished(connection, outcome) is called for those that are over, and may open them
  /// again.
  template <class Finished>
  void serve(std::chrono::milliseconds time, Finished finished) {
    std::array<epoll_event, 512> events;
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), static_cast<int>(time.count()));
    for (int i = 0; i < count; ++i) {
      auto& connection = *static_cast<SmtpLoadConnection*>(events[static_cast<std::size_t>(i)].data.ptr);
      const auto outcome = connection.readable();
      if (outcome != SmtpLoadConnection::Outcome::waiting) finished(connection, outcome);
    }
  }

 private:
  const std::uint16_t port_;
  const int epoll_;
};

}  // namespace deferd::bench
