// What wakes the main thread: signals and requests of other threads.
#pragma once
#include <poll.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

namespace deferd {

/// In the order in which wait() hands them out.
enum class MainEvent : std::uint8_t {
  terminate,  ///< SIGTERM, SIGINT.
  reload,     ///< SIGHUP. Several in a row count as one.
  child,      ///< SIGCHLD, for who asks for it: children have ended, one or several.
};

/// Handles SIGHUP, SIGTERM and SIGINT, and ignores SIGPIPE. One in a process, made by the main thread before any other thread:
/// the signals are blocked in all of them, and are taken only while the main thread waits. A child made by fork() may make its
/// own, if it never uses nor destroys its parent's.
class SignalWaiter {
 public:
  enum class Children : bool { ignored, told };
  explicit SignalWaiter(Children children = Children::ignored);  ///< Throws ErrorException: no descriptors left.
  ~SignalWaiter();
  SignalWaiter(const SignalWaiter&) = delete;
  SignalWaiter& operator=(const SignalWaiter&) = delete;

  /// The main thread only.
  MainEvent wait();
  /// Nullopt: nothing happened, or one of `others` is ready, as its `revents` says then.
  std::optional<MainEvent> wait_for(std::chrono::milliseconds time, std::span<pollfd> others = {});

  /// Wakes wait(); any thread, and signal handlers.
  void post(MainEvent event) noexcept;

 private:
  std::optional<MainEvent> next() noexcept;

  const Children children_;
  std::atomic<unsigned> pending_{0};  // a bit each event
  int wake_[2] = {-1, -1};
};

/// Blocks all signals but faults in the calling thread: the first thing a thread of the daemon does.
void block_signals() noexcept;

}  // namespace deferd
