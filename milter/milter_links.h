// All open connections from the MTA.
#pragma once
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <list>
#include <mutex>

#include "milter/milter_link.h"
#include "milter/sleepers.h"
#include "milter/switchboard.h"

namespace deferd {

/// Thread-safe. Links are made and destroyed on threads of the io_context.
class MilterLinks {
 public:
  /// Everything outlives the links. `gauge`: how many there are.
  MilterLinks(net::io_context& io, Switchboard& board, Sleepers& sleepers, Gauge& gauge)
      : io_(io), board_(board), sleepers_(sleepers), gauge_(gauge) {}

  /// Takes over a socket just accepted and serves it. Throws if there is no memory; then it is closed.
  void open(int socket);

  /// One tick of the clock by which silence is measured: hangs up on MTAs that were silent for more than `ticks`.
  void sweep(std::uint32_t ticks);

  /// Hangs up on all, for good. False: after `patience` there was still one in a plugin's hands.
  bool cut_all(std::chrono::milliseconds patience);

  // For a link:
  net::io_context& io() { return io_; }
  Switchboard& board() { return board_; }
  Sleepers& sleepers() { return sleepers_; }
  std::uint32_t tick() const { return tick_.load(std::memory_order_relaxed); }
  void close(MilterLink& link);

 private:
  net::io_context& io_;
  Switchboard& board_;
  Sleepers& sleepers_;
  Gauge& gauge_;
  std::atomic<std::uint32_t> tick_ = 1;

  std::mutex mutex_;
  std::condition_variable all_gone_;
  std::list<MilterLink> links_;
  std::size_t leaving_ = 0;  // no longer in the list, but not yet destroyed
  bool over_ = false;
};

}  // namespace deferd
