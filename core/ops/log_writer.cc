#include "ops/log_writer.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <thread>

#include "ops/log_sink.h"
#include "ops/signals.h"

namespace deferd {
namespace {

constexpr std::size_t kMostQueued = 4 << 20;
constexpr std::size_t kMany = 256 << 10;  // bytes that are written without waiting for more
constexpr std::chrono::milliseconds kPause{50};

/// Lines that go to one sink; after a reload the last lines of the old one may still wait before the new one's.
struct Batch {
  std::shared_ptr<LogSink> sink;
  LineShape shape;
  std::string text;
};

}  // namespace

struct LogWriter::Impl {
  explicit Impl(const Clock& clock_used) : clock(clock_used) {}

  const Clock& clock;
  std::atomic<Level> level{Level::info};
  std::atomic<LineShape> shape{LineShape{}};  // of batches.back(); changes under the mutex

  mutable std::mutex mutex;
  std::condition_variable wake;     // for the thread
  std::condition_variable written;  // for flush()
  std::deque<Batch> batches;        // never empty; the last one takes new lines
  std::size_t queued = 0;           // bytes in batches
  std::uint64_t accepted = 0;       // bytes ever
  std::uint64_t finished = 0;       // bytes ever taken from `batches` and written or lost
  std::uint64_t lost = 0;           // lines ever
  std::uint64_t lost_reported = 0;
  bool idle = false;   // the thread sleeps until it is woken
  bool hurry = false;  // flush() waits, or there are many lines
  std::jthread thread;

  void use(std::unique_ptr<LogSink> sink, const LogConfig& config) {
    const LineShape next{config.format, sink->prefix()};
    const std::lock_guard lock(mutex);
    if (!batches.empty() && batches.back().text.empty()) batches.pop_back();
    batches.push_back({std::move(sink), next, {}});
    shape = next;
    level = config.level;
  }

  void run(const std::stop_token& stop) {
    block_signals();
    std::string text;
    std::unique_lock lock(mutex);
    while (true) {
      idle = true;
      wake.wait(lock, [&] { return queued > 0 || stop.stop_requested(); });
      idle = false;
      hurry = false;
      if (queued == 0) return;
      write_front(lock, text, stop);
      // Lines that come now are written together: one call for all of the next 50 ms.
      wake.wait_for(lock, kPause, [&] { return hurry || stop.stop_requested(); });
    }
  }

  void write_front(std::unique_lock<std::mutex>& lock, std::string& text, const std::stop_token& stop) {
    text.clear();
    text.swap(batches.front().text);
    auto sink = batches.front().sink;
    const auto line_shape = batches.front().shape;
    if (batches.size() > 1) batches.pop_front();
    const auto taken = text.size();
    queued -= taken;
    const auto unreported = lost - lost_reported;

    lock.unlock();
    if (unreported > 0) {
      const Field lines("lines", unreported);
      append_line(text, line_shape, clock.now(), Level::warning, "log.lost", std::span(&lines, 1));
    }
    const auto done = sink->write(text, stop);
    const auto refused =
        static_cast<std::uint64_t>(std::count(text.begin() + static_cast<std::ptrdiff_t>(done), text.end(), '\n'));
    sink.reset();
    lock.lock();

    finished += taken;
    if (refused == 0)
      lost_reported += unreported;
    else
      lost += refused - (unreported > 0 ? 1 : 0);
    written.notify_all();
  }
};

LogWriter::LogWriter(const LogConfig& config, const Clock& clock) : impl_(std::make_unique<Impl>(clock)) {
  impl_->use(or_throw(open_sink(config)), config);
  impl_->thread = std::jthread([impl = impl_.get()](const std::stop_token& stop) { impl->run(stop); });
}

LogWriter::~LogWriter() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->thread.request_stop();
  }
  impl_->wake.notify_all();
  impl_->thread.join();
}

bool LogWriter::enabled(Level level) const { return level >= impl_->level.load(std::memory_order_relaxed); }

void LogWriter::write(Level level, std::string_view event, std::span<const Field> fields) {
  if (!enabled(level)) return;
  thread_local std::string line;
  const auto now = impl_->clock.now();
  auto shape = impl_->shape.load(std::memory_order_relaxed);
  bool wake = false;
  while (true) {
    line.clear();
    append_line(line, shape, now, level, event, fields);
    const std::lock_guard lock(impl_->mutex);
    auto& batch = impl_->batches.back();
    if (batch.shape != shape) {  // a reload came in between
      shape = batch.shape;
      continue;
    }
    if (impl_->queued + line.size() > kMostQueued) {
      ++impl_->lost;
      return;
    }
    batch.text += line;
    impl_->queued += line.size();
    impl_->accepted += line.size();
    wake = std::exchange(impl_->idle, false);
    if (impl_->queued >= kMany && !std::exchange(impl_->hurry, true)) wake = true;
    break;
  }
  if (wake) impl_->wake.notify_one();
}

std::uint64_t LogWriter::lost() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->lost;
}

void LogWriter::flush() {
  std::unique_lock lock(impl_->mutex);
  const auto target = impl_->accepted;
  while (impl_->finished < target) {
    impl_->hurry = true;
    impl_->wake.notify_one();
    impl_->written.wait(lock);
  }
}

Result<void> LogWriter::reconfigure(const LogConfig& config) {
  auto sink = open_sink(config);
  if (!sink) return tl::unexpected(std::move(sink.error()));
  impl_->use(std::move(*sink), config);
  return {};
}

}  // namespace deferd
