#include "host/hook_pool.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

namespace deferd {

struct HookPool::Shared {
  explicit Shared(std::size_t most) : most_threads(most) {}
  const std::size_t most_threads;
  std::mutex mutex;
  std::condition_variable work_to_do;
  std::condition_variable thread_ended;
  std::deque<std::function<void()>> queue;
  std::size_t threads = 0;
  std::size_t idle = 0;
  bool stopping = false;
};

HookPool::HookPool(std::size_t most_threads) : shared_(std::make_shared<Shared>(most_threads)) {}

HookPool::~HookPool() {
  std::unique_lock lock(shared_->mutex);
  shared_->stopping = true;
  shared_->queue.clear();
  shared_->work_to_do.notify_all();
  shared_->thread_ended.wait_for(lock, std::chrono::seconds(1), [this] { return shared_->threads == 0; });
}

bool HookPool::submit(std::function<void()> job) {
  std::lock_guard lock(shared_->mutex);
  if (shared_->stopping || shared_->queue.size() >= 4 * shared_->most_threads) return false;
  if (shared_->idle <= shared_->queue.size() && shared_->threads < shared_->most_threads) {
    try {
      std::thread([shared = shared_] { work(shared); }).detach();
      ++shared_->threads;
    } catch (const std::system_error&) {
      if (shared_->threads == 0) return false;
    }
  }
  shared_->queue.push_back(std::move(job));
  shared_->work_to_do.notify_one();
  return true;
}

void HookPool::work(const std::shared_ptr<Shared>& shared) {
  std::unique_lock lock(shared->mutex);
  while (true) {
    ++shared->idle;
    shared->work_to_do.wait(lock, [&] { return shared->stopping || !shared->queue.empty(); });
    --shared->idle;
    if (shared->stopping) break;
    auto job = std::move(shared->queue.front());
    shared->queue.pop_front();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
  --shared->threads;
  shared->thread_ended.notify_all();
}

}  // namespace deferd
