// The helpers of the configuration: found, run, started again when they die, ended.
#pragma once
#include <poll.h>

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/helper.h"
#include "daemon/respawn.h"
#include "ops/plain_log.h"

namespace deferd {

/// The monitor's: in a process without threads. Whoever owns it waits for the descriptors and for children.
class Helpers {
 public:
  /// Finds the programs that `config_file` names; it must be safe from everybody but root. Throws ConfigError.
  Helpers(const std::string& config_file, const std::vector<std::vector<std::string>>& commands, const Clock& clock, Log& log);

  void start();          ///< All of them.
  void start_the_due();  ///< Those that have died and waited.
  void end();            ///< Sends SIGTERM to all; none is started again.
  void kill();           ///< Sends SIGKILL to all.
  bool live() const;     ///< One at least.

  /// When start_the_due() has something to do.
  std::optional<SteadyTime> due() const;
  /// One for each, ready when it has said something.
  void wait_for(std::vector<pollfd>& others) const;
  /// What they said goes to the log; `others` as wait_for() gave them.
  void hear(std::span<const pollfd> others);
  /// The process has ended with `status`, of wait(2). Nothing happens if it is no helper.
  void ended(pid_t pid, int status);

 private:
  struct Helper {
    explicit Helper(const Clock& clock);
    std::string name, program;
    std::vector<std::string> command;
    RateLimit noise;  // what it says
    std::optional<HelperRun> run;
    Respawn respawn;
    std::optional<SteadyTime> due;
  };
  void start(Helper& helper);
  void hear(Helper& helper);

  const Clock& clock_;
  Log& log_;
  std::deque<Helper> helpers_;
  bool ending_ = false;
};

/// How a process has ended, for people: "exit code 3". `status` of wait(2).
std::string how_it_ended(int status);

}  // namespace deferd
