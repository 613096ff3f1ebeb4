#include "milter/workers.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <fstream>
#include <string>

#include "ops/signals.h"

namespace deferd {

namespace {

constexpr int kRest = 10;                 // ticks in one, while there is nothing to supervise
constexpr int kTicksOfABusyHandler = 50;  // after that a handler that computes counts as one that waits
constexpr int kCalmTicks = 500;           // before a thread too many leaves

/// Thrown out of io_context::run() by a handler: this thread leaves.
struct Leave {};

#if defined(__linux__)
pid_t thread_id() { return ::gettid(); }

/// Whether the thread waits for something, rather than for a processor.
bool waits(pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
  std::string text;
  std::getline(file, text);
  const auto name_end = text.rfind(')');
  if (name_end == text.npos || name_end + 2 >= text.size()) return true;
  return text[name_end + 2] != 'R';
}
#else
pid_t thread_id() { return 0; }
bool waits(pid_t) { return true; }
#endif

}  // namespace

struct alignas(64) Workers::Worker {
  std::atomic<std::uint64_t> steps = 0;  // begun and ended; odd: inside a handler
  std::atomic<pid_t> thread_id = 0;
  std::atomic<bool> gone = false;
  std::thread thread;

  static thread_local Worker* mine;
  void step() { steps.store(steps.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }
};

thread_local Workers::Worker* Workers::Worker::mine = nullptr;

Workers::Step::Step() {
  if (Worker::mine != nullptr) Worker::mine->step();
}

Workers::Step::~Step() {
  if (Worker::mine != nullptr) Worker::mine->step();
}

Workers::Workers(net::io_context& io, Gauge& gauge, Log& log, std::chrono::milliseconds tick)
    : io_(io), gauge_(gauge), log_(log), tick_(tick), work_(net::make_work_guard(io)) {}

Workers::~Workers() { stop(); }

void Workers::start(std::size_t threads) {
  base_ = std::clamp<std::size_t>(threads, 2, kMost);
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < base_; ++i) add();
  supervisor_ = std::thread([this] { supervise(); });
}

void Workers::add() {
  auto& worker = workers_.emplace_back();
  count();  // before it serves anybody
  try {
    worker.thread = std::thread([this, &worker] { run(worker); });
  } catch (...) {
    workers_.pop_back();
    count();
    throw;
  }
}

void Workers::count() {
  size_ = workers_.size();
  gauge_.set(static_cast<std::int64_t>(workers_.size()));
}

void Workers::run(Worker& worker) {
  block_signals();
  Worker::mine = &worker;
  worker.thread_id = thread_id();
  for (bool serving = true; serving;) try {
      io_.run();
      serving = false;
    } catch (const Leave&) {
      serving = false;
    } catch (const std::exception& error) {
      log_.error("milter.failed", {{"error", error.what()}});
    }
  worker.gone = true;
}

void Workers::supervise() {
  block_signals();
  std::unique_lock lock(mutex_);
  while (!ending_.wait_for(lock, resting_ ? tick_ * kRest : tick_, [this] { return over_; })) {
    if (all_stuck() && workers_.size() < kMost) {
      // Half as many again, so that a hundred slow calls do not wait for a hundred ticks.
      const auto more = std::min(std::max<std::size_t>(1, workers_.size() / 2), kMost - workers_.size());
      try {
        for (std::size_t i = 0; i < more; ++i) add();
      } catch (const std::exception& error) {
        log_.error("milter.no_thread", {{"error", error.what()}});
      }
      ticks_without_progress_ = 0;
    }
    shrink();
  }
}

bool Workers::all_stuck() {
  std::uint64_t steps = 0;
  std::size_t inside = 0;
  for (const auto& worker : workers_) {
    const auto its = worker.steps.load(std::memory_order_relaxed);
    steps += its;
    inside += its & 1;
  }
  const bool progress = std::exchange(steps_seen_, steps) != steps;
  resting_ = !progress && inside == 0;
  calm_ticks_ = inside * 2 < workers_.size() ? calm_ticks_ + (resting_ ? kRest : 1) : 0;
  if (progress || inside < workers_.size()) {
    ticks_without_progress_ = 0;
    return false;
  }
  if (++ticks_without_progress_ >= kTicksOfABusyHandler) return true;
  // A machine that has no time for a thread is not helped by another one.
  return std::all_of(workers_.begin(), workers_.end(), [](const Worker& worker) { return waits(worker.thread_id); });
}

void Workers::shrink() {
  for (auto worker = workers_.begin(); worker != workers_.end();) {
    if (worker->gone) {
      worker->thread.join();
      worker = workers_.erase(worker);
      leaving_ = false;
      count();
    } else {
      ++worker;
    }
  }
  // One at a time: on a busy machine it takes a while to go, and a second one might be one too many.
  if (leaving_ || workers_.size() <= base_ || calm_ticks_ < kCalmTicks) return;
  leaving_ = true;
  calm_ticks_ = kCalmTicks - 1;  // the next one at the next tick
  net::post(io_, [] { throw Leave(); });
}

void Workers::stop() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  ending_.notify_all();
  if (supervisor_.joinable()) supervisor_.join();
  io_.stop();
  for (auto& worker : workers_)
    if (worker.thread.joinable()) worker.thread.join();
  workers_.clear();
  size_ = 0;
}

void Workers::abandon() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  ending_.notify_all();
  if (supervisor_.joinable()) supervisor_.join();
  for (auto& worker : workers_) worker.thread.detach();
}

}  // namespace deferd
