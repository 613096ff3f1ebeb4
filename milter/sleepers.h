// Delays of answers: timers, no thread sleeps. Few and short all the same, as the MTA waits.
#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <list>
#include <mutex>

#include "deferd/host.h"

namespace deferd {

namespace net = boost::asio;

/// Thread-safe. `then` is called on a thread of the io_context, never within sleep().
class Sleepers {
 public:
  /// `gauge`: how many there are.
  Sleepers(net::io_context& io, Gauge& gauge) : io_(io), gauge_(gauge) {}

  /// Calls `then` after `duration`, or when all are woken. False, and nothing is called, if `limit` others wait already.
  bool sleep(std::chrono::milliseconds duration, int limit, std::function<void()> then);

  /// Ends all waits; there are none from now on.
  void wake();

 private:
  using Timer = net::basic_waitable_timer<std::chrono::steady_clock, net::wait_traits<std::chrono::steady_clock>,
                                          net::io_context::executor_type>;
  net::io_context& io_;
  Gauge& gauge_;
  std::mutex mutex_;
  std::list<Timer> timers_;
  bool over_ = false;
};

}  // namespace deferd
