// The monitor's hand on the process that runs commands: started with each worker, started again when it dies.
#pragma once
#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "daemon/monitor_link.h"
#include "daemon/respawn.h"
#include "deferd/host.h"
#include "ops/descriptors.h"

namespace deferd {

/// In a process without threads. Whoever owns it waits for children. A runner is one worker's, and ends with it by itself: its
/// channel does.
class RunnerProcess {
 public:
  struct Wiring {
    std::string user;                    ///< For the log.
    std::function<int(Descriptor)> run;  ///< Its life, with its end of the channel; its exit code. Empty: there is none.
  };

  RunnerProcess(Wiring wiring, const Clock& clock, Log& log);

  /// For the worker with this link, which gets the channel. Does nothing where there is none to be.
  void start(WorkerLink& worker);
  void start_if_due(WorkerLink& worker);
  /// The worker has ended: so does the runner, and is not started again before the next worker.
  void worker_ended();
  /// The process has ended with `status`, of wait(2). Nothing happens if it is not the runner.
  void ended(pid_t pid, int status);
  void kill() const;  ///< SIGKILL.

  bool lives() const { return pid_ > 0; }
  std::optional<SteadyTime> due() const { return due_; }

 private:
  [[noreturn]] void be_runner(Descriptor channel) const;

  const Wiring wiring_;
  const Clock& clock_;
  Log& log_;
  pid_t pid_ = 0;  // 0: there is none
  bool wanted_ = false;
  Respawn respawn_;
  std::optional<SteadyTime> due_;
};

}  // namespace deferd
