// The threads that serve an io_context whose handlers may block: plugins think in them.
//
// As many as the machine has cores do the work. Only when all of them are stuck in handlers is another one added, so that one
// slow plugin holds up its own clients and nobody else; when it is over they leave again.
#pragma once
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>

#include "deferd/host.h"

namespace deferd {

namespace net = boost::asio;

/// start(), stop() and abandon() come from one thread, the rest from any.
class Workers {
 public:
  static constexpr std::size_t kMost = 256;

  /// `gauge`: how many threads there are. `tick`: how long all must be stuck.
  Workers(net::io_context& io, Gauge& gauge, Log& log, std::chrono::milliseconds tick = std::chrono::milliseconds(20));
  ~Workers();  ///< stop().

  /// Two at least. Throws std::system_error if there can be none.
  void start(std::size_t threads);
  /// Stops the io_context and waits for handlers that run.
  void stop();
  /// Instead of stop(), when a handler does not return: lets go of the threads. Nothing they use may be destroyed.
  void abandon();

  std::size_t size() const { return size_; }

  /// Made first thing in every handler that may block. Outside of a worker's threads it does nothing.
  class Step {
   public:
    Step();
    ~Step();
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;
  };

 private:
  struct Worker;

  void add();
  void count();
  void run(Worker& worker);
  void supervise();
  /// All are inside handlers, and for a good part of a tick have done nothing but wait there.
  bool all_stuck();
  void shrink();

  net::io_context& io_;
  Gauge& gauge_;
  Log& log_;
  const std::chrono::milliseconds tick_;
  net::executor_work_guard<net::io_context::executor_type> work_;
  std::size_t base_ = 0;
  std::atomic<std::size_t> size_ = 0;

  std::mutex mutex_;  // of the supervisor's end, and of workers_ while it runs
  std::condition_variable ending_;
  bool over_ = false;
  std::list<Worker> workers_;
  std::thread supervisor_;

  // Of the supervisor alone.
  std::uint64_t steps_seen_ = 0;
  int ticks_without_progress_ = 0;
  int calm_ticks_ = 0;  // in a row with fewer than half of the threads inside
  bool resting_ = false;
  bool leaving_ = false;  // one was told to, and has not gone yet
};

}  // namespace deferd
