// A value that is replaced while others read it: read-copy-update for things that change seldom and are read all the time.
//
//   Swapped<PrefixSet> listed;
//   if (listed.read()->contains(client)) ...     // any thread; never waits, whatever the writer does
//   listed.swap(builder.build());                // waits until nobody reads the former one, then frees it
//
// A reader announces itself by one atomic addition; there is no lock that a reader could find held by a thread that does not run
// (std::atomic<std::shared_ptr> has one in GCC's library). Two counters take turns, so that readers who keep coming never keep a
// writer waiting: Ramalhete and Correia, "Left-Right: A Concurrency Control Technique with Wait-Free Population Oblivious Reads".
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace deferd {

template <class T>
class Swapped {
 public:
  /// Keeps what was read alive. Keep it for the look-up only: a writer waits for it. Not for another thread.
  class Reading {
   public:
    ~Reading() { readers_.fetch_sub(1, std::memory_order_release); }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;
    const T* operator->() const { return value_; }
    const T& operator*() const { return *value_; }

   private:
    friend class Swapped;
    explicit Reading(const Swapped& from) : readers_(from.readers_[from.turn_.load()].count) {
      readers_.fetch_add(1);
      value_ = from.value_.load();
    }
    std::atomic<std::size_t>& readers_;
    const T* value_;
  };

  explicit Swapped(T value = T()) : value_(new T(std::move(value))) {}
  ~Swapped() { delete value_.load(); }
  Swapped(const Swapped&) = delete;
  Swapped& operator=(const Swapped&) = delete;

  [[nodiscard]] Reading read() const { return Reading(*this); }

  /// From now on readers find `value`. Writers take turns. Never call it from a thread that holds a Reading.
  void swap(T value) {
    const std::lock_guard lock(writing_);
    auto fresh = std::make_unique<const T>(std::move(value));
    const std::unique_ptr<const T> former(value_.exchange(fresh.release()));
    // Who is counted under the other turn came in before the last swap's end; who is counted under this one may hold `former`.
    const std::size_t turn = turn_.load();
    wait_for(1 - turn);
    turn_.store(1 - turn);
    wait_for(turn);
  }

 private:
  void wait_for(std::size_t turn) const {
    while (readers_[turn].count.load() != 0) std::this_thread::yield();
  }

  struct alignas(64) Readers {
    std::atomic<std::size_t> count{0};
  };
  mutable std::array<Readers, 2> readers_;
  std::atomic<std::size_t> turn_{0};
  std::atomic<const T*> value_;
  std::mutex writing_;
};

}  // namespace deferd
