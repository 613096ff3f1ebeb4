// The way from libmilter's callbacks to what they use, and its closing.
//
// libmilter cannot be stopped in good order: smfi_stop() takes up to 5 s, hangs up on messages in progress and frees connections
// its workers still use. So it is never stopped; its threads go on until the process ends. The gate is closed instead: whoever is
// inside leaves, nobody comes in any more, and what the callbacks used can be destroyed.
#pragma once
#include <atomic>
#include <chrono>
#include <thread>

namespace deferd {

/// Thread-safe. One a process, made for ever.
template <class T>
class Gate {
 public:
  /// One inside: what target() points to lives for as long as this.
  class Pass {
   public:
    explicit Pass(Gate& gate) : gate_(gate) {
      ++gate_.inside_;
      target_ = gate_.target_;  // after counting: close() clears first and counts then
    }
    ~Pass() { --gate_.inside_; }
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    T* target() const { return target_; }  ///< Null: the gate is closed.

   private:
    Gate& gate_;
    T* target_;
  };

  void open(T& target) { target_ = &target; }

  /// Nobody gets in from now on. False: somebody was still inside after `patience`.
  bool close(std::chrono::milliseconds patience) {
    target_ = nullptr;
    const auto until = std::chrono::steady_clock::now() + patience;
    while (inside_ != 0) {
      if (std::chrono::steady_clock::now() >= until) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }

 private:
  std::atomic<int> inside_ = 0;
  std::atomic<T*> target_ = nullptr;
};

}  // namespace deferd
