// Deadlines of very many connections for the cost of two pointers each: a wheel of buckets, one turned to every tick.
#pragma once
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

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
/// what of later turns lies in its bucket. Empty buckets are stepped over 64 at a time.
class TimerWheel {
 public:
  static constexpr std::chrono::milliseconds kTick{10};
  explicit TimerWheel(SteadyTime now);
  ~TimerWheel();  ///< Must be empty.

  void set(Timed& timed, SteadyTime when);  ///< Moves it if it waits already.
  void cancel(Timed& timed);
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  /// No later than this turn() has something to do; none if nobody waits. It may find nothing due then.
  std::optional<SteadyTime> next() const;

  /// Calls `due(timed)` for all whose time has come by `now`, after taking them out; `due` may set and cancel any.
  template <class Due>
  void turn(SteadyTime now, Due&& due) {
    const auto until = ticks_until(now);
    while (start_turning(until)) {
      while (Timed* timed = take_due()) due(*timed);
    }
  }

 private:
  static constexpr std::size_t kBuckets = 4096;  // 41 s a turn
  static constexpr std::size_t kWord = 64;

  struct Ring : Timed {};  // the head of a circular list

  std::uint64_t ticks_until(SteadyTime now) const;     // whole ones
  std::optional<std::uint64_t> next_occupied() const;  // the first tick after now_ whose bucket may hold something
  bool start_turning(std::uint64_t until);             // moves on to the next such bucket and takes it; false: none until then
  Timed* take_due();
  static void link(Ring& ring, Timed& timed);
  static void unlink(Timed& timed);
  static void clear(Ring& ring) { ring.next_ = ring.previous_ = &ring; }

  const SteadyTime start_;
  std::uint64_t now_ = 0;  // the tick turned to last
  std::size_t size_ = 0;
  std::array<std::uint64_t, kBuckets / kWord> occupied_{};  // a bit for each bucket that may hold something
  std::array<Ring, kBuckets> buckets_;
  Ring turned_;  // what is left of the bucket being turned
};

}  // namespace deferd::smtp
