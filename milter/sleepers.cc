#include "milter/sleepers.h"

#include <iterator>

namespace deferd {

bool Sleepers::sleep(std::chrono::milliseconds duration, int limit, std::function<void()> then) {
  const std::lock_guard lock(mutex_);
  if (over_ || timers_.size() >= static_cast<std::size_t>(limit)) return false;
  const auto timer = timers_.emplace(timers_.end(), io_, duration);
  gauge_.set(static_cast<std::int64_t>(timers_.size()));
  timer->async_wait([this, timer, then = std::move(then)](const auto&) {
    {
      const std::lock_guard again(mutex_);
      timers_.erase(timer);
      gauge_.set(static_cast<std::int64_t>(timers_.size()));
    }
    then();
  });
  return true;
}

void Sleepers::wake() {
  const std::lock_guard lock(mutex_);
  over_ = true;
  for (auto& timer : timers_) timer.cancel();
}

}  // namespace deferd
