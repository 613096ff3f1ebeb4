// What wakes the main thread: signals and requests of other threads.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace deferd {

/// In the order in which wait() hands them out.
enum class MainEvent : std::uint8_t {
  terminate,  ///< SIGTERM, SIGINT.
  reload,     ///< SIGHUP. Several in a row count as one.
};

/// Handles SIGHUP, SIGTERM and SIGINT, and ignores SIGPIPE. One in a process, made by the main thread before any other thread:
/// the signals are blocked in all of them, and are taken only while the main thread waits.
class SignalWaiter {
 public:
  SignalWaiter();  ///< Throws ErrorException: no descriptors left.
  ~SignalWaiter();
  SignalWaiter(const SignalWaiter&) = delete;
  SignalWaiter& operator=(const SignalWaiter&) = delete;

  /// The main thread only.
  MainEvent wait();
  std::optional<MainEvent> wait_for(std::chrono::milliseconds time);  ///< Nullopt: nothing happened.

  /// Wakes wait(); any thread, and signal handlers.
  void post(MainEvent event) noexcept;

 private:
  std::optional<MainEvent> next() noexcept;

  std::atomic<unsigned> pending_{0};  // a bit each event
  int wake_[2] = {-1, -1};
};

/// Blocks all signals but faults in the calling thread: the first thing a thread of the daemon does.
void block_signals() noexcept;

}  // namespace deferd
