#include "milter/milter_links.h"

#include <unistd.h>

namespace deferd {

void MilterLinks::open(int socket) {
  std::list<MilterLink> one;
  try {
    one.emplace_back(*this, socket);
  } catch (...) {
    ::close(socket);
    throw;
  }
  auto& link = one.back();
  link.place_ = one.begin();
  {
    const std::lock_guard lock(mutex_);
    if (over_) return;
    links_.splice(links_.end(), one);
    gauge_.set(static_cast<std::int64_t>(links_.size()));
  }
  link.begin();
}

void MilterLinks::close(MilterLink& link) {
  std::list<MilterLink> one;
  {
    const std::lock_guard lock(mutex_);
    one.splice(one.end(), links_, link.place_);
    ++leaving_;
    gauge_.set(static_cast<std::int64_t>(links_.size()));
  }
  one.clear();  // plugins hear of the end outside the lock
  const std::lock_guard lock(mutex_);
  --leaving_;
  if (over_ && links_.empty() && leaving_ == 0) all_gone_.notify_all();
}

void MilterLinks::sweep(std::uint32_t ticks) {
  const std::lock_guard lock(mutex_);
  const auto now = tick_.load(std::memory_order_relaxed) + 1;
  tick_.store(now, std::memory_order_relaxed);
  for (auto& link : links_)
    if (const auto since = link.waiting_since(); since != 0 && now - since > ticks) link.cut();
}

bool MilterLinks::cut_all(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  over_ = true;
  for (auto& link : links_) link.cut();
  return all_gone_.wait_for(lock, patience, [this] { return links_.empty() && leaving_ == 0; });
}

}  // namespace deferd
