#include "smtp/worker_pool.h"

namespace deferd::smtp {

WorkerPool::WorkerPool(unsigned threads) : threads_(threads) {}

WorkerPool::~WorkerPool() { threads_.join(); }

void WorkerPool::begin() {
  const std::lock_guard lock(mutex_);
  ++jobs_;
}

void WorkerPool::end() {
  const std::lock_guard lock(mutex_);
  if (--jobs_ == 0) idle_.notify_all();
}

bool WorkerPool::wait_until_idle(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  return idle_.wait_for(lock, patience, [this] { return jobs_ == 0; });
}

}  // namespace deferd::smtp
