// Calls hooks so that nothing a plugin does can hurt: exceptions, hanging, overrunning its budget.
#pragma once
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "host/hook_call.h"
#include "host/hook_pool.h"
#include "host/instance.h"

namespace deferd {

/// Thread-safe. One for the daemon.
///
/// Inline calls cost two readings of a coarse clock and a few relaxed stores; one in kMeasured is timed exactly. A watchdog sees
/// an inline call that overruns while it still hangs, so that the next caller of that plugin already goes through the pool and is
/// released in time.
class HookRunner {
 public:
  HookRunner(const Clock& clock, Log& log, std::size_t most_threads = 64);
  ~HookRunner();

  /// Makes one call as the instance's health allows. Never throws.
  HookResult run(const std::shared_ptr<Instance>& instance, const CallScope& scope, const HookCall& call);

  /// The same, but always on the pool: for background threads that must not be held up.
  HookResult run_pooled(const std::shared_ptr<Instance>& instance, const CallScope& scope, const HookCall& call);

  /// To be called before instances whose calls have all ended are destroyed: the watchdog may still be looking at one.
  void settle();

 private:
  static constexpr unsigned kMeasured = 8;
  struct Job;
  class InlineCalls;

  HookResult run_inline(Instance& instance, const CallScope& scope, const HookCall& call);
  void overran(Instance& instance, const HookCall& call, bool lost);
  void failed(Instance& instance, const HookCall& call, const std::string& what, bool own_fault);
  void answered(Instance& instance, const HookCall& call);
  void watch();

  const Clock& clock_;
  Log& log_;
  HookPool pool_;
  std::unique_ptr<InlineCalls> inline_calls_;
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::thread watchdog_;
};

}  // namespace deferd
