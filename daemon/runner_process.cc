#include "daemon/runner_process.h"

#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "daemon/helpers.h"
#include "ops/process.h"

namespace deferd {

RunnerProcess::RunnerProcess(Wiring wiring, const Clock& clock, Log& log)
    : wiring_(std::move(wiring)), clock_(clock), log_(log) {}

void RunnerProcess::start(WorkerLink& worker) {
  if (!wiring_.run) return;
  due_.reset();
  wanted_ = true;
  kill();  // one that has not seen yet that its worker has gone
  respawn_.started(clock_.steady());
  try {
    auto channel = make_socket_pair();
    std::fflush(nullptr);  // else both would write what is still buffered
    pid_ = fork();
    if (pid_ < 0) throw ErrorException({Errc::io, std::string("cannot start a process: ") + std::strerror(errno)});
    if (pid_ == 0) be_runner(std::move(channel.second));
    setpgid(pid_, pid_);
    // If it does not get through, the runner sees the end of its channel, and is started again.
    or_throw(worker.lend_channel(channel.first));
    log_.notice("monitor.runner_started", {{"user", wiring_.user}, {"pid", static_cast<int>(pid_)}});
  } catch (const ErrorException& error) {
    const auto wait = respawn_.ended(clock_.steady());
    due_ = clock_.steady() + wait;
    kill();
    pid_ = 0;
    log_.error("monitor.runner_not_started", {{"what", error.what()}, {"again_in_s", std::int64_t{wait.count()}}});
  }
}

void RunnerProcess::be_runner(Descriptor channel) const {
  setpgid(0, 0);  // a terminal's signals come through the monitor alone
  closelog();     // its descriptor goes next
  close_all_but({channel.get()});
  reset_signals();
  if (chdir("/") != 0) std::exit(EX_OSERR);  // for its commands, where spawn() cannot
  std::exit(wiring_.run(std::move(channel)));
}

void RunnerProcess::start_if_due(WorkerLink& worker) {
  if (due_ && *due_ <= clock_.steady()) start(worker);
}

void RunnerProcess::worker_ended() {
  wanted_ = false;
  due_.reset();
}

void RunnerProcess::ended(pid_t pid, int status) {
  if (pid_ == 0 || pid != pid_) return;
  pid_ = 0;
  if (!wanted_) return;
  const auto wait = respawn_.ended(clock_.steady());
  due_ = clock_.steady() + wait;
  if (status == 0) return;  // that the worker has ended, too, is about to be seen
  log_.error("monitor.runner_ended", {{"how", how_it_ended(status)}, {"again_in_s", std::int64_t{wait.count()}}});
}

void RunnerProcess::kill() const {
  if (pid_ > 0) ::kill(pid_, SIGKILL);
}

}  // namespace deferd
