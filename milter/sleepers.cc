#include "milter/sleepers.h"

namespace deferd {

void Sleepers::sleep(std::chrono::milliseconds duration, int limit) {
  std::unique_lock lock(mutex_);
  if (over_ || count_ >= limit) return;
  gauge_.set(++count_);
  awake_.wait_for(lock, duration, [this] { return over_; });
  gauge_.set(--count_);
}

void Sleepers::wake() {
  const std::lock_guard lock(mutex_);
  over_ = true;
  awake_.notify_all();
}

}  // namespace deferd
