// What wakes the main thread: signals and requests of other threads.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace deferd {

/// In the order in which wait() hands them out.
enum class MainEvent : std::uint8_t {
  failed,     ///< A part cannot go on: leave with an error. Only posted.
  terminate,  ///< SIGTERM, SIGINT.
  reload,     ///< SIGHUP. Several in a row count as one.
};

/// Handles SIGHUP, SIGTERM and SIGINT, and ignores SIGPIPE. One in a process, made by the main thread before any other thread.
///
/// The signals are held back until take_signals(), so that what is started before inherits them blocked; from then on they are
/// never blocked in the main thread. This matters: libmilter keeps a thread in sigwait(3) for the same signals, which ends the
/// milter on SIGHUP, and which the kernel chooses whenever the main thread would not take them. So call take_signals() before
/// smfi_main(), and let threads that are started later block signals themselves.
class SignalWaiter {
 public:
  SignalWaiter();  ///< Throws ErrorException: no descriptors left.
  ~SignalWaiter();
  SignalWaiter(const SignalWaiter&) = delete;
  SignalWaiter& operator=(const SignalWaiter&) = delete;

  void take_signals();

  /// The main thread only.
  MainEvent wait();
  std::optional<MainEvent> wait_for(std::chrono::milliseconds time);

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
