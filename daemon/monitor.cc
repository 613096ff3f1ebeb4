#include "daemon/monitor.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "daemon/lend_file.h"

namespace deferd {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongest{3'600'000};           // between two looks at what is due
constexpr std::chrono::seconds kHurriedWorker{30};    // from the second SIGTERM to SIGKILL
constexpr std::chrono::seconds kHelpersPatience{10};  // from SIGTERM to SIGKILL
constexpr int kNoticesATurn = 64;                     // notices

}  // namespace

Monitor::Monitor(std::string config_file, LoadedConfig loaded, Wiring wiring)
    : config_file_(std::move(config_file)),
      wiring_(std::move(wiring)),
      signals_(SignalWaiter::Children::told),
      config_(config_file_, std::move(loaded)),
      log_(config_.first().config.log, wiring_.clock, wiring_.account),
      helpers_(config_file_, config_.first().config.helpers, wiring_.clock, log_),
      runner_(wiring_.runner, wiring_.clock, log_),
      bound_(smtp::bind_tcp(config_.first().config.listen.smtp)) {}

int Monitor::run() {
  start_worker(config_.first());
  while (phase_ != Phase::ending_helpers || helpers_.live() || runner_.lives()) {
    wait();
    kill_who_is_late();
    start_what_is_due();
  }
  return code_;
}

// ---- starting

void Monitor::start_worker(const LoadedConfig& config) {
  worker_.due.reset();
  worker_.serves = false;
  worker_.respawn.started(now());
  try {
    auto ends = make_link();
    worker_.link.emplace(std::move(ends.first));
    runner_.start(*worker_.link);
    const pid_t monitor = getpid();
    std::fflush(nullptr);  // else both would write what is still buffered
    const pid_t pid = fork();
    if (pid < 0) throw ErrorException({Errc::io, "cannot start a process"});
    if (pid == 0) {
      worker_.link.reset();
      std::exit(be_worker(config, std::move(ends.second), monitor));
    }
    setpgid(pid, pid);
    worker_.pid = pid;
    log_.notice("monitor.worker_started", {{"pid", static_cast<int>(pid)}});
  } catch (const ErrorException& error) {
    worker_.link.reset();
    runner_.worker_ended();
    const auto wait = worker_.respawn.ended(now());
    worker_.due = now() + wait;
    log_.error("monitor.worker_not_started", {{"what", error.what()}, {"again_in_s", std::int64_t{wait.count()}}});
  }
}

int Monitor::be_worker(const LoadedConfig& config, LinkEnd end, pid_t monitor) {
  setpgid(0, 0);  // a terminal's signals come through the monitor alone
  closelog();     // its descriptor goes next
  std::vector<int> kept{end.life.get(), end.files.get(), end.channels.get()};
  for (const auto& one : bound_)
    if (one.listener) kept.push_back(one.listener->descriptor());
  close_all_but(std::move(kept));
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  std::signal(SIGCHLD, SIG_DFL);
  sigprocmask(SIG_UNBLOCK, &child, nullptr);
  MonitorLink link(std::move(end), wiring_.notifier.watchdog());
  return wiring_.work(config, link, std::move(bound_), monitor);
}

void Monitor::start_what_is_due() {
  if (worker_.due && *worker_.due <= now()) start_worker(config_.next(log_));
  helpers_.start_the_due();  // also while the worker ends: it may take its time
  if (worker_.link) runner_.start_if_due(*worker_.link);
}

// ---- what happens

void Monitor::wait() {
  std::vector<pollfd> others;
  const pollfd none{-1, 0, 0};  // poll(2) passes over it
  others.push_back(worker_.link ? worker_.link->notices() : none);
  others.push_back(worker_.link ? worker_.link->questions() : none);
  helpers_.wait_for(others);

  auto next = now() + kLongest;
  for (const auto& due : {worker_.due, helpers_.due(), runner_.due(), kill_at_})
    if (due) next = std::min(next, *due);

  const auto event = signals_.wait_for(std::max(milliseconds(0), std::chrono::ceil<milliseconds>(next - now())), others);
  if (others[0].revents != 0) hear_worker();
  if (others[1].revents != 0) answer_worker();
  helpers_.hear(std::span(others).subspan(2));
  if (event) take(*event);
}

void Monitor::take(MainEvent event) {
  switch (event) {
    case MainEvent::terminate:
      return terminate();
    case MainEvent::reload:  // a worker that is about to be started reads the file anyway
      if (worker_.pid > 0) kill(worker_.pid, SIGHUP);
      return;
    case MainEvent::child:
      return reap();
  }
}

void Monitor::terminate() {
  if (phase_ == Phase::ending_helpers) return;
  if (phase_ == Phase::ending_worker && !kill_at_) kill_at_ = now() + kHurriedWorker;
  phase_ = Phase::ending_worker;
  worker_.due.reset();
  bound_.clear();
  if (worker_.pid > 0)
    kill(worker_.pid, SIGTERM);
  else
    end_helpers(0);
}

void Monitor::reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid == worker_.pid) worker_ended(status);
    helpers_.ended(pid, status);
    runner_.ended(pid, status);
  }
}

void Monitor::worker_ended(int status) {
  hear_worker();  // its last words
  worker_.link.reset();
  worker_.pid = 0;
  runner_.worker_ended();
  if (phase_ == Phase::ending_worker || !was_ready_) {
    if (WIFSIGNALED(status)) log_.error("monitor.worker_ended", {{"how", how_it_ended(status)}});
    return end_helpers(WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE);
  }
  if (!worker_.serves) config_.refused();  // whatever its code: the file may name a store in use, or make it crash
  const auto wait = worker_.respawn.ended(now());
  worker_.due = now() + wait;
  log_.error("monitor.worker_ended", {{"how", how_it_ended(status)}, {"again_in_s", std::int64_t{wait.count()}}});
  wiring_.notifier.status(fmt::format("the worker has ended ({}) and is started again", how_it_ended(status)));
}

void Monitor::end_helpers(int code) {
  code_ = code;
  phase_ = Phase::ending_helpers;
  kill_at_ = now() + kHelpersPatience;
  helpers_.end();
}

void Monitor::kill_who_is_late() {
  if (!kill_at_ || now() < *kill_at_) return;
  kill_at_.reset();
  if (phase_ == Phase::ending_worker && worker_.pid > 0) kill(worker_.pid, SIGKILL);
  if (phase_ != Phase::ending_helpers) return;
  helpers_.kill();
  runner_.kill();
}

// ---- what they say

void Monitor::hear_worker() {
  for (int turn = 0; turn < kNoticesATurn && worker_.link; ++turn) {
    const auto notice = worker_.link->notice();
    if (notice && !*notice) return;
    if (notice) {
      take(**notice);
      continue;
    }
    if (notice.error().code != Errc::unavailable) log_.error("monitor.worker_not_understood", {{"what", notice.error().what}});
    worker_.link.reset();
    runner_.worker_ended();  // it is as good as that
  }
}

void Monitor::take(Notice notice) {
  switch (notice) {
    case Notice::ready:
      wiring_.notifier.ready();
      if (std::exchange(worker_.serves, true)) return;  // it has reloaded
      config_.ready();
      wiring_.notifier.status("serving");
      if (std::exchange(was_ready_, true)) return log_.reopen(config_.in_force().config.log);
      wiring_.ready();
      // Not before: had another deferd been serving already, they would have met its helpers.
      if (phase_ == Phase::serving) helpers_.start();
      return;
    case Notice::reloading:
      return wiring_.notifier.reloading(now());
    case Notice::reloaded:
      config_.reloaded();
      return log_.reopen(config_.in_force().config.log);
    case Notice::stopping:
      if (phase_ == Phase::ending_worker) wiring_.notifier.stopping();
      return;
    case Notice::alive:
      return wiring_.notifier.alive();
  }
}

void Monitor::answer_worker() {
  hear_worker();  // a notice that came with the question was sent before it
  if (!worker_.link) return;
  const auto question = worker_.link->question();
  if (question && !*question) return;
  if (!question) {
    if (question.error().code != Errc::unavailable)
      log_.error("monitor.worker_not_understood", {{"what", question.error().what}});
    return;
  }
  // The files of what the worker was given; once it serves by that it asks for those of what it reloads. Whatever the file says,
  // lend_file() looks at who could have written it.
  Problems problems;
  const auto config = worker_.serves ? config_.read(problems) : config_.given();
  const auto file = config ? lend_file(config_file_, config->config.smtp.tls, **question)
                           : Result<Descriptor>(fail(Errc::invalid, config_file_ + " is wrong"));
  if (file) return worker_.link->answer(*file, 0);
  log_.error("monitor.file_refused", {{"what", file.error().what}});
  worker_.link->answer({}, file.error().code == Errc::not_found ? ENOENT : EACCES);
}

}  // namespace deferd
