#include "smtp/worker_pool.h"

#include "ops/signals.h"

namespace deferd::smtp {

WorkerPool::WorkerPool(unsigned threads) : most_patient_(threads - threads / 4) {
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

WorkerPool::Queue* WorkerPool::next() {
  const bool patient = !patient_.empty() && (over_ || working_patiently_ < most_patient_);
  if (urgent_.empty()) return patient ? &patient_ : nullptr;
  return patient && patient_.front().number < urgent_.front().number ? &patient_ : &urgent_;
}

bool WorkerPool::should_wake() {
  if (sleeping_ == 0 || waking_ || next() == nullptr) return false;
  waking_ = true;
  return true;
}

void WorkerPool::add(std::unique_ptr<AnyJob> job, Kind kind) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    (kind == Kind::urgent ? urgent_ : patient_).push_back({jobs_++, std::move(job)});
    wake = should_wake();
  }
  if (wake) wanted_.notify_one();
}

void WorkerPool::work() {
  block_signals();
  std::unique_lock lock(mutex_);
  for (;;) {
    auto* queue = next();
    for (; queue == nullptr && !over_; queue = next()) {
      ++sleeping_;
      wanted_.wait(lock);
      --sleeping_;
      waking_ = false;
    }
    if (queue == nullptr) return;
    auto job = std::move(queue->front().job);
    queue->pop_front();
    const bool patient = queue == &patient_;
    ++working_;
    working_patiently_ += patient;
    const bool wake = should_wake();
    lock.unlock();
    if (wake) wanted_.notify_one();
    job->run();
    job.reset();
    lock.lock();
    working_patiently_ -= patient;
    if (--working_ == 0 && urgent_.empty() && patient_.empty()) idle_.notify_all();
  }
}

bool WorkerPool::wait_until_idle(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  return idle_.wait_for(lock, patience, [this] { return working_ == 0 && urgent_.empty() && patient_.empty(); });
}

}  // namespace deferd::smtp
