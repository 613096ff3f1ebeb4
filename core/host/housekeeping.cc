#include "host/housekeeping.h"

#include "host/generation.h"

namespace deferd {

using namespace std::chrono_literals;

Housekeeping::Housekeeping(HostParts& parts, Pipeline& pipeline)
    : parts_(parts), pipeline_(pipeline), last_tick_(parts.clock.steady()) {}

Housekeeping::~Housekeeping() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Housekeeping::start() {
  thread_ = std::thread([this] {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      nudged_ = false;
      lock.unlock();
      step();
      lock.lock();
      wake_.wait_for(lock, 250ms, [this] { return stopping_ || nudged_; });
    }
  });
}

void Housekeeping::nudge() {
  std::lock_guard lock(mutex_);
  nudged_ = true;
  wake_.notify_all();
}

void Housekeeping::step() {
  try {
    sweep(parts_.clock.now());
    feed();
    tick(parts_.clock.steady());
  } catch (const std::exception& error) {
    told("housekeeping", fail(Errc::io, error.what()));
  }
}

void Housekeeping::told(std::string_view what, const Result<void>& result) {
  if (!result && !failing_) parts_.log.error("store.failing", {{"at", what}, {"what", result.error().what}});
  if (result && failing_) parts_.log.notice("store.recovered", {});
  failing_ = !result;
}

void Housekeeping::sweep(Time now) {
  if (now == last_sweep_) return;
  last_sweep_ = now;
  for (int round = 0; round < 100; ++round) {  // a backlog is worked off in bounded bites
    auto expired = parts_.engine.sweep();
    told("sweep", expired ? Result<void>{} : Result<void>(tl::unexpected(expired.error())));
    if (!expired || *expired == 0) return;
  }
}

void Housekeeping::feed() {
  const auto generation = pipeline_.current();
  if (!generation || !generation->has(Hook::table)) {
    following_ = false;
    return;
  }
  auto& tables = parts_.engine.tables();
  if (!following_) {  // from now on; a plugin that needs what was before scans the table itself
    auto end = tables.feed_end();
    if (!end) return told("feed", tl::unexpected(end.error()));
    cursor_ = *end;
    following_ = true;
  }
  auto page = tables.feed(cursor_, 1000);
  if (!page) {
    following_ = following_ && page.error().code != Errc::cursor_too_old;
    return told("feed", tl::unexpected(page.error()));
  }
  const Session nobody;
  for (const auto& event : page->events)
    for (const auto& instance : generation->instances()) {
      if (!instance->has(Hook::table)) continue;
      auto slot = std::make_shared<Slot>();
      HookCall call;
      call.hook = Hook::table;
      call.event = &event;
      pipeline_.runner().run_pooled(instance, {nobody, instance->store(), tables, slot}, call);
    }
  cursor_ = page->cursor;
}

void Housekeeping::tick(SteadyTime now) {
  if (now - last_tick_ < 60s) return;
  last_tick_ = now;
  const auto generation = pipeline_.current();
  if (!generation) return;
  const Session nobody;
  for (const auto& instance : generation->instances()) {
    if (!instance->has(Hook::tick) || instance->health.quarantined()) continue;
    auto slot = std::make_shared<Slot>();
    HookCall call;
    call.hook = Hook::tick;
    pipeline_.runner().run_pooled(instance, {nobody, instance->store(), parts_.engine.tables(), slot}, call);
  }
}

}  // namespace deferd
