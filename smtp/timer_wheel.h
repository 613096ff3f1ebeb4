// Deadlines of very many connections for the cost of two pointers each: a wheel of buckets, one turned to every tick.
#pragma once
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "deferd/time.h"

namespace deferd::smtp {

/// What waits in a wheel; base of whoever has a deadline. In at most one place at a time.
class Timed {
 public:
  Timed() = default;
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;
  bool waiting() const { return next_ != nullptr; }

 protected:
  ~Timed() = default;  ///< Must not be waiting.

 private:
  friend class TimerWheel;
  Timed* next_ = nullptr;
  Timed* previous_ = nullptr;
  std::uint64_t tick_ = 0;
};

/// Used by one thread. Nothing is ever early; up to one tick late. O(1) to set, move and cancel; a tick costs what is due, and
/// what of later turns lies in its bucket.
class TimerWheel {
 public:
  static constexpr std::chrono::milliseconds kTick{10};
  explicit TimerWheel(SteadyTime now);
  ~TimerWheel();  ///< Must be empty.

  void set(Timed& timed, SteadyTime when);  ///< Moves it if it waits already.
  void cancel(Timed& timed);
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  /// Calls `due(timed)` for all whose time has come by `now`, after taking them out; `due` may set and cancel any.
  template <class Due>
  void turn(SteadyTime now, Due&& due);

 private:
  static constexpr std::size_t kBuckets = 4096;  // 41 s a turn
  // (the implementation is the owner's to finish)
};

}  // namespace deferd::smtp
