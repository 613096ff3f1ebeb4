// Threads for hooks that may not run on their caller's thread: bounded, made when needed, kept.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>

namespace deferd {

/// Thread-safe. The destructor waits a moment for running jobs and then leaves their threads behind (a hook that hangs must not
/// keep the daemon from ending), so jobs own what they use.
class HookPool {
 public:
  explicit HookPool(std::size_t most_threads);
  ~HookPool();
  HookPool(const HookPool&) = delete;
  HookPool& operator=(const HookPool&) = delete;

  /// False when the queue is full. Jobs must not throw.
  bool submit(std::function<void()> job);

 private:
  struct Shared;
  static void work(const std::shared_ptr<Shared>& shared);

  std::shared_ptr<Shared> shared_;
};

}  // namespace deferd
