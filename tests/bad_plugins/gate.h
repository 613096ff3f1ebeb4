// Holds back the hooks of hangs_in_hook until a test opens it.
#pragma once
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace deferd {

/// A test reaches it through the host: Host::kept("gate") of the plugin is a std::shared_ptr<Gate>, taken as it is if a test put
/// one there before make(). Thread-safe.
class Gate {
 public:
  /// Waits until open() was called; gives up after 3 s, so that no test hangs for ever.
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait_for(lock, std::chrono::seconds(3), [this] { return open_; });
    --waiting_;
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void close() {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }
  /// Waits until `count` calls are held back; false if there are not so many after 3 s.
  bool wait_for_waiting(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(3), [&] { return waiting_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

}  // namespace deferd
