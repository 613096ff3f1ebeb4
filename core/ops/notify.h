// Tells the service manager how it goes: the protocol of sd_notify(3), without its library.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "deferd/time.h"

namespace deferd {

/// Thread-safe. Without a service manager nothing is sent. Nobody waits for an answer, and nothing fails.
class Notifier {
 public:
  /// Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID from the environment, and removes them for programs we start.
  Notifier();
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  bool active() const { return fd_ >= 0; }
  void ready();                    ///< Also after a reload, whether it succeeded or not.
  void reloading(SteadyTime now);  ///< `now` of the machine's own clock: the manager compares it.
  void stopping();
  void status(std::string_view text);  ///< One line for `systemctl status`.

  /// How often the manager wants to hear alive(), at the latest; ask for half of it.
  std::optional<std::chrono::microseconds> watchdog() const { return watchdog_; }
  void alive();

 private:
  void send(const std::string& message);

  int fd_ = -1;
  std::optional<std::chrono::microseconds> watchdog_;
};

}  // namespace deferd
