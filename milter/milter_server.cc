#include "milter/milter_server.h"

#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <thread>

#include "milter/callbacks.h"
#include "milter/switchboard.h"

// Stands in for the C library's. libmilter keeps a thread in sigwait() for SIGHUP, SIGTERM and SIGINT that ends the milter on any
// of them. The kernel gives a signal to the main thread's handler if it can, but not always: a SIGHUP that comes before that
// thread has got to its sigwait(), or a SIGTERM while a SIGHUP is still to be handled, would be the thread's. So it is left
// waiting here; signals are the main thread's alone. Nothing else in the process uses sigwait().
extern "C" __attribute__((visibility("default"))) int sigwait(const sigset_t*, int*) {
  for (;;) ::pause();
}

namespace deferd {

namespace {

constexpr int kBacklog = 1024;
constexpr std::chrono::milliseconds kHookPatience{1500};  // after the drain; plugins' budgets are shorter

MilterSocket absolute(MilterSocket socket) {
  if (socket.is_unix()) socket.path = std::filesystem::absolute(socket.path).lexically_normal().string();
  return socket;
}

void listen(const MilterSocket& socket, const MilterConfig& config) {
  const auto where = socket.to_string();
  errno = 0;
  if (smfi_setconn(const_cast<char*>(where.c_str())) != MI_SUCCESS ||
      smfi_register(milter_callbacks(config.voice == Voice::connect)) != MI_SUCCESS ||
      smfi_settimeout(static_cast<int>(config.timeout.count())) != MI_SUCCESS || smfi_setbacklog(kBacklog) != MI_SUCCESS)
    throw ErrorException({Errc::io, "libmilter does not take the milter at " + where});
  // Nobody else gets in before owner and mode are set.
  const mode_t before = ::umask(0177);
  const int opened = smfi_opensocket(false);
  const int error = errno;
  ::umask(before);
  if (opened != MI_SUCCESS)
    throw ErrorException({Errc::io, "cannot listen at " + where + (error != 0 ? std::string(": ") + std::strerror(error) : "")});
}

void check(Result<void> result) { or_throw(std::move(result)); }

}  // namespace

MilterServer::MilterServer(const MilterSocket& socket, const MilterConfig& config, Wiring wiring)
    : socket_(absolute(socket)),
      first_config_(config),
      wiring_(std::move(wiring)),
      board_(std::make_unique<Switchboard>(config, wiring_.open, wiring_.hooks, wiring_.log, wiring_.metrics)) {
  if (socket_.is_unix()) guard_.emplace(or_throw(SocketGuard::lock(socket_.path)));
  listen(socket_, config);
  if (guard_) check(guard_->adopt({config.socket_owner, config.socket_group, config.socket_mode}));
}

MilterServer::~MilterServer() {
  if (!stop()) static_cast<void>(board_.release());  // somebody is still in there
}

void MilterServer::start() {
  started_ = true;
  milter_gate().open(*board_);
  // libmilter's threads inherit the mask: signals are the main thread's.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([failed = wiring_.failed] {
    const int result = smfi_main();
    const Gate<Switchboard>::Pass pass(milter_gate());
    if (pass.target() == nullptr) return;
    try {
      failed(result == MI_SUCCESS ? "libmilter was stopped" : "libmilter failed; see syslog");
    } catch (...) {  // the end of a thread
    }
  }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void MilterServer::configure(const MilterConfig& config) {
  auto next = config;
  // Early replies are negotiated once for all (see milter_callbacks).
  if (next.voice == Voice::connect && first_config_.voice != Voice::connect) next.voice = first_config_.voice;
  board_->configure(std::move(next));
}

std::string MilterServer::why_restart(const MilterSocket& socket, const MilterConfig& config) const {
  std::string why;
  const auto add = [&why](const char* setting) { why += (why.empty() ? "" : ", ") + std::string(setting); };
  if (absolute(socket) != socket_) add("listen.milter");
  if (socket_.is_unix() && (config.socket_owner != first_config_.socket_owner ||
                            config.socket_group != first_config_.socket_group || config.socket_mode != first_config_.socket_mode))
    add("milter.socket_owner/group/mode");
  if (config.voice == Voice::connect && first_config_.voice != Voice::connect) add("milter.voice");
  if (config.timeout != first_config_.timeout) add("milter.timeout");
  return why;
}

bool MilterServer::stop() {
  if (!started_) return true;
  if (stopped_) return *stopped_;
  board_->hurry();
  const auto drain = board_->config()->drain;
  if (!board_->wait_until_idle(drain)) wiring_.log.warning("milter.cut_off", {{"after", format_duration(drain)}});
  stopped_ = milter_gate().close(kHookPatience);
  if (!*stopped_) {
    wiring_.log.error("milter.stuck", {{"error", "a plugin does not return"}});
    return false;
  }
  board_->disconnect_all();
  guard_.reset();
  return true;
}

}  // namespace deferd
