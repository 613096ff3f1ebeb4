#include <utility>

#include "ops/log_writer.h"

namespace deferd {

std::optional<std::uint64_t> RateLimit::admit() {
  const auto now = clock_.steady();
  const std::lock_guard lock(mutex_);
  if (now - window_ >= per_) {
    window_ = now;
    used_ = 0;
  }
  if (used_ == burst_) {
    ++left_out_;
    return std::nullopt;
  }
  ++used_;
  return std::exchange(left_out_, 0);
}

}  // namespace deferd
