#include "host/hook_runner.h"

#include <cstdint>
#include <limits>
#include <list>
#include <optional>

#include "base/coarse_clock.h"

namespace deferd {

namespace {

using Steady = std::chrono::steady_clock;  // budgets are real time, whatever the injected clock says

/// The Context of one call.
class CallContext : public Context {
 public:
  CallContext(Instance& instance, const Session& session, Store& store, Tables& tables, const Clock& clock,
              std::shared_ptr<Slot>& slot, bool dry, SteadyTime deadline)
      : instance_(instance),
        session_(session),
        store_(store),
        tables_(tables),
        clock_(clock),
        slot_(slot),
        dry_(dry),
        deadline_(deadline) {}
  const Session& session() const override { return session_; }
  Store& store() override { return store_; }
  Tables& tables() override { return tables_; }
  const Clock& clock() const override { return clock_; }
  Log& log() override { return instance_.log(); }
  SteadyTime deadline() const override { return deadline_; }
  bool dry() const override { return dry_; }
  std::shared_ptr<void>& slot() override {
    if (!slot_) slot_ = std::make_shared<Slot>();
    return slot_->state;
  }

 private:
  Instance& instance_;
  const Session& session_;
  Store& store_;
  Tables& tables_;
  const Clock& clock_;
  std::shared_ptr<Slot>& slot_;
  const bool dry_;
  const SteadyTime deadline_;
};

/// Store, resolver and bridge being away is not the plugin's fault.
bool is_own_fault(Errc code) {
  return code != Errc::unavailable && code != Errc::io && code != Errc::busy && code != Errc::corrupt;
}

/// Runs the hook; what it throws becomes a text. Returns whether a failure was the plugin's own.
bool guarded(Plugin& plugin, Context& context, const HookCall& call, HookResult& result) {
  try {
    invoke(plugin, context, call, result);
    return false;
  } catch (const ErrorException& error) {
    result = {};
    result.fault = std::string("error: ") + error.what();
    return is_own_fault(error.code);
  } catch (const std::exception& error) {
    result = {};
    result.fault = std::string("exception: ") + error.what();
  } catch (...) {
    result = {};
    result.fault = "exception of unknown type";
  }
  return true;
}

}  // namespace

/// Which threads are inside which inline call since when. A thread writes only its own record.
class HookRunner::InlineCalls {
 public:
  struct Record {
    std::atomic<Instance*> instance{nullptr};
    std::atomic<std::int64_t> overdue{0};  // steady nanoseconds
    std::atomic<bool> reported{false};
    std::atomic<bool> used{true};
  };

  /// This thread's record; records of ended threads are used again.
  Record& mine() {
    thread_local Lease lease;
    return lease.record != nullptr && lease.records == records_ ? *lease.record : lease.take(records_);
  }

  /// Calls `late(instance)` once for each call that is overdue.
  template <class F>
  void check(std::int64_t now, F late) {
    std::lock_guard lock(records_->mutex);
    for (auto& record : records_->list) {
      auto* instance = record.instance.load(std::memory_order_acquire);
      if (instance != nullptr && now > record.overdue.load(std::memory_order_relaxed) && !record.reported.exchange(true))
        late(*instance);
    }
  }

  /// When it returns, no check is looking at an instance whose calls have ended.
  void settle() { std::lock_guard lock(records_->mutex); }

 private:
  struct Records {
    std::mutex mutex;
    std::list<Record> list;
  };
  struct Lease {
    std::shared_ptr<Records> records;
    Record* record = nullptr;
    Record& take(const std::shared_ptr<Records>& from) {
      give_back();
      records = from;
      std::lock_guard lock(records->mutex);
      for (auto& candidate : records->list)
        if (!candidate.used.exchange(true)) return *(record = &candidate);
      return *(record = &records->list.emplace_back());
    }
    void give_back() {
      if (record != nullptr) record->used.store(false);
      record = nullptr;
    }
    ~Lease() { give_back(); }
  };

  std::shared_ptr<Records> records_ = std::make_shared<Records>();
};

HookRunner::HookRunner(const Clock& clock, Log& log, std::size_t most_threads)
    : clock_(clock), log_(log), pool_(most_threads), inline_calls_(std::make_unique<InlineCalls>()), watchdog_([this] {
        watch();
      }) {}

HookRunner::~HookRunner() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  watchdog_.join();
}

void HookRunner::settle() { inline_calls_->settle(); }

void HookRunner::watch() {
  std::unique_lock lock(mutex_);
  while (!stop_.wait_for(lock, std::chrono::milliseconds(50), [this] { return stopping_; }))
    inline_calls_->check(Steady::now().time_since_epoch().count(), [this](Instance& instance) {
      instance.health.overran(clock_, false);
      log_.warning("plugin.slow", {{"plugin", instance.name()}, {"budget_ms", std::int64_t{instance.options().budget.count()}}});
    });
}

HookResult HookRunner::run(const std::shared_ptr<Instance>& instance, const CallScope& scope, const HookCall& call) {
  switch (instance->health.way(clock_)) {
    case Health::Way::inline_call:
      return run_inline(*instance, scope, call);
    case Health::Way::pooled:
      return run_pooled(instance, scope, call);
    case Health::Way::quarantined:
      break;
  }
  instance->count_error(call.hook);
  HookResult result;
  result.fault = "quarantined";
  return result;
}

HookResult HookRunner::run_inline(Instance& instance, const CallScope& scope, const HookCall& call) {
  static const auto lag = coarse_clock_lag();
  // By chance: calls come in the order of the plugins, and every eighth would always be the same one's.
  thread_local std::uint32_t chance = 0;
  chance = chance * 1664525u + 1013904223u;
  const bool measured = !scope.dry && chance < std::numeric_limits<std::uint32_t>::max() / kMeasured;
  const auto start = measured ? Steady::now() : SteadyTime{};
  const auto deadline = coarse_now() + lag + instance.options().budget;
  auto& record = inline_calls_->mine();
  record.overdue.store(deadline.time_since_epoch().count(), std::memory_order_relaxed);
  record.reported.store(false, std::memory_order_relaxed);
  record.instance.store(&instance, std::memory_order_release);

  HookResult result;
  CallContext context(instance, scope.session, scope.store, scope.tables, clock_, scope.slot, scope.dry, deadline);
  const bool own_fault = guarded(instance.plugin(), context, call, result);

  record.instance.store(nullptr, std::memory_order_release);
  if (measured) instance.took(call.hook, std::chrono::duration<double>(Steady::now() - start).count());
  if (!result.fault.empty())
    failed(instance, call, result.fault, own_fault);
  else
    answered(instance, call);
  if (coarse_now() > deadline) overran(instance, call, false);  // the answer came after all, and counts
  return result;
}

/// One pooled call; owned by both sides, so that either may leave first.
struct HookRunner::Job {
  std::shared_ptr<Instance> instance;
  Session session;
  Store* store;
  Tables* tables;
  std::shared_ptr<Slot> slot;
  std::shared_ptr<void> keep;
  bool dry;
  SteadyTime deadline;
  const Clock* clock;
  Hook hook;
  std::string rcpt;
  Decision decision;
  TableEvent event;

  std::mutex mutex;
  std::condition_variable done;
  enum class State : std::uint8_t { queued, running, finished, given_up } state = State::queued;
  bool own_fault = false;
  HookResult result;

  void work() {
    {
      std::lock_guard lock(mutex);
      if (state == State::given_up) return;
      state = State::running;
    }
    HookCall call{hook, &rcpt, &decision, &event};
    HookResult mine;
    CallContext context(*instance, session, *store, *tables, *clock, slot, dry, deadline);
    const bool fault = guarded(instance->plugin(), context, call, mine);
    std::lock_guard lock(mutex);
    if (state == State::given_up) {
      instance->health.came_back();
      return;
    }
    result = std::move(mine);
    own_fault = fault;
    state = State::finished;
    done.notify_one();
  }
};

HookResult HookRunner::run_pooled(const std::shared_ptr<Instance>& instance, const CallScope& scope, const HookCall& call) {
  const auto start = Steady::now();
  auto job = std::make_shared<Job>();
  job->instance = instance;
  job->session = scope.session;
  job->store = &scope.store;
  job->tables = &scope.tables;
  if (!scope.slot) scope.slot = std::make_shared<Slot>();
  job->slot = scope.slot;
  job->keep = scope.keep;
  job->dry = scope.dry;
  job->deadline = start + instance->options().budget;
  job->clock = &clock_;
  job->hook = call.hook;
  if (call.rcpt != nullptr) job->rcpt = *call.rcpt;
  if (call.decision != nullptr) job->decision = *call.decision;
  if (call.event != nullptr) job->event = *call.event;

  HookResult result;
  if (!pool_.submit([job] { job->work(); })) {
    result.fault = "busy: too many calls wait already";
    instance->count_error(call.hook);
    return result;
  }
  std::unique_lock lock(job->mutex);
  if (!job->done.wait_until(lock, job->deadline, [&] { return job->state == Job::State::finished; })) {
    const bool running = job->state == Job::State::running;
    job->state = Job::State::given_up;
    lock.unlock();
    scope.slot.reset();  // the late call keeps it
    result.fault = running ? "timeout" : "busy: no thread was free";
    instance->count_error(call.hook);
    if (running) overran(*instance, call, true);
    return result;
  }
  result = std::move(job->result);
  if (!scope.dry) instance->took(call.hook, std::chrono::duration<double>(Steady::now() - start).count());
  if (!result.fault.empty())
    failed(*instance, call, result.fault, job->own_fault);
  else
    answered(*instance, call);
  return result;
}

void HookRunner::overran(Instance& instance, const HookCall& call, bool lost) {
  const bool first = !instance.health.pooled();
  if (instance.health.overran(clock_, lost))
    log_.error("plugin.quarantined", {{"plugin", instance.name()},
                                      {"hook", to_string(call.hook)},
                                      {"reason", "calls hang"},
                                      {"lost", instance.health.lost()}});
  else if (first)
    log_.warning("plugin.slow", {{"plugin", instance.name()},
                                 {"hook", to_string(call.hook)},
                                 {"budget_ms", std::int64_t{instance.options().budget.count()}}});
}

void HookRunner::failed(Instance& instance, const HookCall& call, const std::string& what, bool own_fault) {
  instance.count_error(call.hook);
  log_.warning("plugin.failed", {{"plugin", instance.name()}, {"hook", to_string(call.hook)}, {"what", what}});
  if (own_fault && instance.health.threw(call.hook, clock_))
    log_.error("plugin.quarantined", {{"plugin", instance.name()}, {"hook", to_string(call.hook)}, {"reason", what}});
}

void HookRunner::answered(Instance& instance, const HookCall& call) {
  if (instance.health.answered(call.hook)) log_.notice("plugin.returned", {{"plugin", instance.name()}});
}

}  // namespace deferd
