// Tells the service manager how it goes: the protocol of sd_notify(3), without its library.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "deferd/time.h"

namespace deferd {

/// Who is told how the daemon does: the service manager, or a monitor that passes it on. Nothing fails.
class Progress {
 public:
  virtual ~Progress() = default;
  virtual void ready() = 0;                    ///< Also after a reload, whether it succeeded or not.
  virtual void reloading(SteadyTime now) = 0;  ///< `now` of the machine's own clock: the service manager compares it.
  virtual void stopping() = 0;
  virtual void alive() = 0;
  /// How often alive() is wanted, at the latest; ask for half of it.
  virtual std::optional<std::chrono::microseconds> watchdog() const = 0;
};

/// Thread-safe. Without a service manager nothing is sent. Nobody waits for an answer.
class Notifier : public Progress {
 public:
  /// Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID from the environment, and removes them for programs we start.
  Notifier();
  ~Notifier() override;
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  bool active() const { return fd_ >= 0; }
  void ready() override;
  void reloading(SteadyTime now) override;
  void stopping() override;
  void status(std::string_view text);  ///< One line for `systemctl status`.
  void alive() override;
  std::optional<std::chrono::microseconds> watchdog() const override { return watchdog_; }

 private:
  void send(const std::string& message);

  int fd_ = -1;
  std::optional<std::chrono::microseconds> watchdog_;
};

}  // namespace deferd
