// Delays of replies: a thread of libmilter sleeps for each, so they are few and short.
#pragma once
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "deferd/host.h"

namespace deferd {

/// Thread-safe.
class Sleepers {
 public:
  explicit Sleepers(Gauge& gauge) : gauge_(gauge) {}

  /// Keeps the caller waiting; returns at once if `limit` others wait already, and early when all are woken.
  void sleep(std::chrono::milliseconds duration, int limit);

  /// Ends all waits; there are none from now on.
  void wake();

 private:
  Gauge& gauge_;  // how many there are
  std::mutex mutex_;
  std::condition_variable awake_;
  int count_ = 0;
  bool over_ = false;
};

}  // namespace deferd
