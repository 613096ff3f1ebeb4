#include "smtp/worker_pool.h"

#include "ops/signals.h"

namespace deferd::smtp {

WorkerPool::WorkerPool(unsigned threads) : beds_(threads), most_patient_(threads - threads / 4) {
  asleep_.reserve(threads);
  try {
    for (auto& bed : beds_) threads_.emplace_back([this, &bed] { work(bed); });
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
    asleep_.clear();
    for (auto& bed : beds_) bed.asleep = false;
  }
  for (auto& bed : beds_) bed.wanted.notify_one();
  for (auto& thread : threads_) thread.join();
}

WorkerPool::Jobs* WorkerPool::next() {
  const bool patient = !patient_.empty() && (over_ || working_patiently_ < most_patient_);
  if (urgent_.empty()) return patient ? &patient_ : nullptr;
  return patient && patient_.front().number_ < urgent_.front().number_ ? &patient_ : &urgent_;
}

WorkerPool::Bed* WorkerPool::wake_one() {
  if (asleep_.empty() || waking_ || next() == nullptr) return nullptr;
  waking_ = true;
  Bed* last = asleep_.back();
  asleep_.pop_back();
  last->asleep = false;
  return last;
}

void WorkerPool::add(Jobs& jobs, Jobs& queue) {
  for (auto& job : jobs) job.number_ = jobs_++;
  queue.splice_after(queue.last(), jobs);
}

void WorkerPool::post(Jobs& urgent, Jobs& patient) noexcept {
  Bed* woken = nullptr;
  {
    const std::lock_guard lock(mutex_);
    add(urgent, urgent_);
    add(patient, patient_);
    woken = wake_one();
  }
  if (woken != nullptr) woken->wanted.notify_one();
}

void WorkerPool::work(Bed& mine) {
  block_signals();
  std::unique_lock lock(mutex_);
  for (;;) {
    auto* queue = next();
    for (; queue == nullptr && !over_; queue = next()) {
      mine.asleep = true;
      asleep_.push_back(&mine);
      mine.wanted.wait(lock, [&mine] { return !mine.asleep; });
      waking_ = false;
    }
    if (queue == nullptr) return;
    Job& job = queue->front();
    queue->pop_front();
    const bool patient = queue == &patient_;
    ++working_;
    working_patiently_ += patient;
    Bed* const woken = wake_one();
    lock.unlock();
    if (woken != nullptr) woken->wanted.notify_one();
    job.run();  // nothing is known of it any more
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
