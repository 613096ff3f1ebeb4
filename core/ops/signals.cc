#include "ops/signals.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <vector>

#include "deferd/result.h"

namespace deferd {
namespace {

constexpr int kSignals[] = {SIGHUP, SIGTERM, SIGINT};
std::atomic<SignalWaiter*> the_waiter{nullptr};
static_assert(std::atomic<SignalWaiter*>::is_always_lock_free);

extern "C" void on_signal(int number) {
  const int before = errno;
  if (auto* waiter = the_waiter.load())
    waiter->post(number == SIGHUP ? MainEvent::reload : number == SIGCHLD ? MainEvent::child : MainEvent::terminate);
  errno = before;
}

void handle(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, nullptr);
}

}  // namespace

SignalWaiter::SignalWaiter(Children children) : children_(children) {
  sigset_t blocked;
  sigemptyset(&blocked);
  for (const int number : kSignals) sigaddset(&blocked, number);
  if (children_ == Children::told) sigaddset(&blocked, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  if (pipe(wake_) != 0) throw ErrorException({Errc::io, std::string("cannot make a pipe: ") + std::strerror(errno)});
  for (const int end : wake_) {
    fcntl(end, F_SETFD, FD_CLOEXEC);
    fcntl(end, F_SETFL, O_NONBLOCK);
  }
  the_waiter = this;
  handle(SIGPIPE, SIG_IGN);
  for (const int number : kSignals) handle(number, on_signal);
  if (children_ == Children::told) handle(SIGCHLD, on_signal);
}

SignalWaiter::~SignalWaiter() {
  for (const int number : kSignals) handle(number, SIG_IGN);
  if (children_ == Children::told) handle(SIGCHLD, SIG_DFL);
  the_waiter = nullptr;
  for (const int end : wake_) close(end);
}

std::optional<MainEvent> SignalWaiter::next() noexcept {
  const auto pending = pending_.load();
  for (const auto event : {MainEvent::terminate, MainEvent::reload, MainEvent::child}) {
    const auto bit = 1u << static_cast<unsigned>(event);
    if ((pending & bit) == 0) continue;
    pending_.fetch_and(~bit);
    return event;
  }
  return std::nullopt;
}

MainEvent SignalWaiter::wait() {
  while (true)
    if (const auto event = wait_for(std::chrono::minutes(1))) return *event;
}

std::optional<MainEvent> SignalWaiter::wait_for(std::chrono::milliseconds time, std::span<pollfd> others) {
  sigset_t usual;
  pthread_sigmask(SIG_BLOCK, nullptr, &usual);
  sigset_t open = usual;
  for (const int number : kSignals) sigdelset(&open, number);
  if (children_ == Children::told) sigdelset(&open, SIGCHLD);
  // ppoll() delivers no signal while a descriptor is ready: one that always is would keep them all away.
  pthread_sigmask(SIG_SETMASK, &open, nullptr);
  pthread_sigmask(SIG_SETMASK, &usual, nullptr);

  for (auto& other : others) other.revents = 0;
  std::vector<pollfd> waiting(others.begin(), others.end());
  waiting.push_back({wake_[0], POLLIN, 0});
  const auto end = std::chrono::steady_clock::now() + time;
  while (true) {
    if (const auto event = next()) return event;
    const auto left = std::max(std::chrono::nanoseconds(0), std::chrono::nanoseconds(end - std::chrono::steady_clock::now()));
    const timespec timeout{static_cast<time_t>(left / std::chrono::seconds(1)), static_cast<long>(left.count() % 1'000'000'000)};
    const int ready = ppoll(waiting.data(), waiting.size(), &timeout, &open);
    if (ready == 0 && left.count() == 0) return next();
    char bytes[64];
    while (read(wake_[0], bytes, sizeof bytes) > 0) {
    }
    if (ready <= 0) continue;
    bool other_ready = false;
    for (std::size_t i = 0; i < others.size(); ++i) {
      others[i].revents = waiting[i].revents;
      other_ready = other_ready || waiting[i].revents != 0;
    }
    if (other_ready) return next();
  }
}

void SignalWaiter::post(MainEvent event) noexcept {
  pending_.fetch_or(1u << static_cast<unsigned>(event));
  const char byte = 0;
  // Full means that there is something to wake up for.
  [[maybe_unused]] const auto written = write(wake_[1], &byte, 1);
}

void block_signals() noexcept {
  sigset_t set;
  sigfillset(&set);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGPROF}) sigdelset(&set, fault);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

}  // namespace deferd
