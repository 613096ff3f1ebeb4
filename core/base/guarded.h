// Shared data that cannot be reached without its lock.
//
//   Guarded<std::map<std::string, int>> counts;
//   counts.lock()->erase("a");                                  // one step
//   { auto locked = counts.lock();  locked->clear();  ... }     // several
#pragma once
#include <mutex>
#include <utility>

namespace deferd {

template <class T>
class Guarded {
 public:
  /// Holds the lock as long as it lives.
  template <class U>
  class Locked {
   public:
    U* operator->() const { return value_; }
    U& operator*() const { return *value_; }
    std::unique_lock<std::mutex>& held() { return lock_; }  ///< For std::condition_variable::wait.

   private:
    friend class Guarded;
    Locked(std::mutex& mutex, U& value) : lock_(mutex), value_(&value) {}
    std::unique_lock<std::mutex> lock_;
    U* value_;
  };

  Guarded() = default;
  explicit Guarded(T value) : value_(std::move(value)) {}

  [[nodiscard]] Locked<T> lock() { return Locked<T>(mutex_, value_); }
  [[nodiscard]] Locked<const T> lock() const { return Locked<const T>(mutex_, value_); }

 private:
  mutable std::mutex mutex_;
  T value_{};
};

}  // namespace deferd
