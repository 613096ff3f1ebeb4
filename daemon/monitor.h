// The process that root starts: it has the worker, which is no longer root and does everything, a process that runs commands for
// it, and helpers run, and starts again what dies. It holds what needs root (ports below 1024, files of the certificate) and
// nothing that strangers send ever reaches it.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemon/helpers.h"
#include "daemon/monitor_link.h"
#include "daemon/respawn.h"
#include "daemon/runner_process.h"
#include "daemon/worker_config.h"
#include "ops/notify.h"
#include "ops/plain_log.h"
#include "ops/signals.h"
#include "smtp/bound.h"

namespace deferd {

/// In a process without threads, which it keeps so: it forks.
class Monitor {
 public:
  struct Wiring {
    /// The life of a worker, in a process of its own with nothing of this one but what it is given; its exit code.
    std::function<int(const LoadedConfig&, MonitorLink&, std::vector<smtp::Bound>, pid_t monitor)> work;
    std::function<void()> ready;  ///< The first worker serves.
    Notifier& notifier;
    const Clock& clock;
    std::optional<Account> account;  ///< Whose the log is; nullopt: ours.
    RunnerProcess::Wiring runner{};
  };

  /// Opens sockets and finds helpers. Throws ConfigError (helpers), ErrorException (busy, io).
  Monitor(std::string config_file, LoadedConfig loaded, Wiring wiring);

  /// Until SIGTERM or SIGINT, which end the worker and then the helpers, or until the first worker ends before it was ready.
  /// Returns the exit code: that of the last worker. In workers it does not return.
  int run();

 private:
  enum class Phase { serving, ending_worker, ending_helpers };

  struct Worker {
    pid_t pid = 0;  // 0: there is none
    bool serves = false;
    std::optional<WorkerLink> link;
    Respawn respawn;
    std::optional<SteadyTime> due;
  };

  void start_worker(const LoadedConfig& config);
  int be_worker(const LoadedConfig& config, LinkEnd end, pid_t monitor);
  void start_what_is_due();

  void wait();
  void take(MainEvent event);
  void terminate();
  void reap();
  void worker_ended(int status);
  void end_helpers(int code);
  void kill_who_is_late();

  void hear_worker();
  void take(Notice notice);
  void answer_worker();

  SteadyTime now() const { return wiring_.clock.steady(); }

  const std::string config_file_;
  Wiring wiring_;
  SignalWaiter signals_;
  WorkerConfig config_;
  PlainLog log_;
  Helpers helpers_;
  RunnerProcess runner_;
  std::vector<smtp::Bound> bound_;
  Worker worker_;
  Phase phase_ = Phase::serving;
  bool was_ready_ = false;             // any worker
  std::optional<SteadyTime> kill_at_;  // who has not ended by then
  int code_ = 0;
};

}  // namespace deferd
