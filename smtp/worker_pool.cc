#include "smtp/worker_pool.h"

#include "ops/signals.h"

namespace deferd::smtp {

WorkerPool::WorkerPool(unsigned threads) {
  try {
    for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
  } catch (...) {
    end();
    throw;
  }
}

WorkerPool::~WorkerPool() { end(); }

void WorkerPool::end() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  wanted_.notify_all();
  for (auto& thread : threads_) thread.join();
}

bool WorkerPool::should_wake() {
  if (jobs_.empty() || sleeping_ == 0 || waking_) return false;
  waking_ = true;
  return true;
}

void WorkerPool::add(std::unique_ptr<AnyJob> job) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    wake = should_wake();
  }
  if (wake) wanted_.notify_one();
}

void WorkerPool::work() {
  block_signals();
  std::unique_lock lock(mutex_);
  for (;;) {
    while (jobs_.empty() && !over_) {
      ++sleeping_;
      wanted_.wait(lock);
      --sleeping_;
      waking_ = false;
    }
    if (jobs_.empty()) return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    ++working_;
    const bool wake = should_wake();
    lock.unlock();
    if (wake) wanted_.notify_one();
    job->run();
    job.reset();
    lock.lock();
    if (--working_ == 0 && jobs_.empty()) idle_.notify_all();
  }
}

bool WorkerPool::wait_until_idle(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  return idle_.wait_for(lock, patience, [this] { return working_ == 0 && jobs_.empty(); });
}

}  // namespace deferd::smtp
