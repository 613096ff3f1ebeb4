#include "smtp/smtp_server.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "base/guarded.h"
#include "base/socket_guard.h"
#include "smtp/front_end.h"
#include "smtp/io_thread.h"

namespace deferd::smtp {

namespace {

constexpr std::chrono::seconds kRetry{5};
constexpr std::chrono::milliseconds kHookPatience{5'000};  // plugins' budgets are shorter
constexpr std::chrono::milliseconds kHurryCheck{100};
constexpr unsigned kMostThreads = 4;  // by default

unsigned threads_of(const SmtpConfig& config) {
  if (config.threads > 0) return static_cast<unsigned>(config.threads);
  return std::clamp(std::thread::hardware_concurrency(), 1u, kMostThreads);
}

SocketOwner owner_of(const SmtpConfig& config) { return {config.socket_owner, config.socket_group, config.socket_mode}; }

std::string name_of(SmtpAddress address, const Listener& listener) {
  address.tcp.port = listener.port();
  return address.to_string();
}

}  // namespace

struct SmtpServer::State {
  struct Absent {
    SmtpAddress address;
    bool refused = false;  // the log tells already
  };

  State(const std::vector<SmtpAddress>& addresses, Wiring wiring)
      : first_addresses(addresses),
        owner(owner_of(*wiring.rules()->config)),
        threads(threads_of(*wiring.rules()->config)),
        workers(wiring.rules()->config->workers),
        front(std::move(wiring), threads) {}

  void listen_everywhere(int descriptor, const std::string& name) {
    for (auto& thread : io) thread->listen(descriptor, name);
  }
  void retry_later();
  void retry();
  void tell(Absent& one, const Error& error) const;
  bool wait_until_gone(const std::function<bool()>& hurry);

  const std::vector<SmtpAddress> first_addresses;
  const SocketOwner owner;
  const unsigned threads;
  const int workers;
  FrontEnd front;
  struct Listening {
    Listener listener;
    std::string name;
  };
  Guarded<std::vector<Listening>> listeners;  // outlive the threads
  std::vector<std::unique_ptr<IoThread>> io;
  std::optional<boost::asio::steady_timer> retry_timer;  // of io.front()'s thread
  std::vector<Absent> absent;                            // once started, of that thread alone
  bool leaving = false;                                  // of that thread: nobody is waited for any more

  std::mutex mutex;
  std::condition_variable ended;
  unsigned running = 0;
  bool started = false;
  std::optional<bool> stopped;  // what stop() said
};

SmtpServer::SmtpServer(const std::vector<SmtpAddress>& listen, Wiring wiring, std::vector<Bound> bound)
    : state_(std::make_unique<State>(listen, std::move(wiring))) {
  auto& state = *state_;
  for (unsigned lane = 0; lane < state.threads; ++lane) state.io.push_back(std::make_unique<IoThread>(state.front, lane));
  state.front.release = [&state](unsigned lane) { state.io[lane]->release(); };
  for (const auto& address : listen) {
    auto given = take_bound(bound, address);
    auto listener =
        given && given->listener ? Result<Listener>(std::move(*given->listener)) : open_listener(address, state.owner);
    // Who was to bind it did not find it there; now it may be, and a port that is not for us.
    const bool refused = given && !listener && listener.error().code == Errc::io;
    if (refused || (!listener && listener.error().code == Errc::unavailable)) {
      state.tell(state.absent.emplace_back(State::Absent{address}), listener.error());
      continue;
    }
    auto opened = or_throw(std::move(listener));
    auto name = name_of(address, opened);
    state.listeners.lock()->push_back({std::move(opened), std::move(name)});
  }
}

SmtpServer::~SmtpServer() {
  if (!stop()) static_cast<void>(state_.release());  // somebody is still in there
}

void SmtpServer::start() {
  auto& state = *state_;
  {
    const auto listeners = state.listeners.lock();
    for (const auto& one : *listeners) state.listen_everywhere(one.listener.descriptor(), one.name);
  }
  if (!state.absent.empty()) state.retry_later();
  state.started = true;
  state.running = state.threads;
  for (auto& thread : state.io)
    thread->start([&state] {
      const std::lock_guard lock(state.mutex);
      --state.running;
      state.ended.notify_all();
    });
}

void SmtpServer::State::retry_later() {
  if (leaving) return;
  if (!retry_timer) retry_timer.emplace(io.front()->context());
  retry_timer->expires_after(kRetry);
  retry_timer->async_wait([this](const boost::system::error_code& error) {
    if (!error) retry();
  });
}

void SmtpServer::State::retry() {
  if (leaving) return;  // its time was up when it was cancelled
  std::vector<Absent> still;
  for (auto& one : absent) {
    auto listener = open_listener(one.address, owner);
    if (!listener) {
      if (listener.error().code == Errc::io) tell(one, listener.error());
      still.push_back(std::move(one));
      continue;
    }
    const auto name = name_of(one.address, *listener);
    const int descriptor = listener->descriptor();
    front.wiring.log.notice("smtp.address_present", {{"address", name}});
    listeners.lock()->push_back({std::move(*listener), name});
    listen_everywhere(descriptor, name);
  }
  absent = std::move(still);
  if (!absent.empty()) retry_later();
}

void SmtpServer::State::tell(Absent& one, const Error& error) const {
  if (error.code == Errc::unavailable) return front.wiring.log.warning("smtp.address_absent", {{"error", error.what}});
  if (std::exchange(one.refused, true)) return;
  front.wiring.log.error("smtp.address_refused", {{"error", error.what}, {"what", "needs a restart"}});
}

void SmtpServer::configure() { state_->front.configure(); }

std::string SmtpServer::why_restart(const std::vector<SmtpAddress>& listen, const SmtpConfig& config) const {
  std::string why;
  const auto add = [&why](const char* setting) { why += (why.empty() ? "" : ", ") + std::string(setting); };
  if (listen != state_->first_addresses) add("listen.smtp");
  const bool has_unix = std::any_of(listen.begin(), listen.end(), [](const SmtpAddress& address) { return address.is_unix(); });
  const auto owner = owner_of(config);
  if (has_unix && owner.user != state_->owner.user) add("smtp.socket_owner");
  if (has_unix && owner.group != state_->owner.group) add("smtp.socket_group");
  if (has_unix && owner.mode != state_->owner.mode) add("smtp.socket_mode");
  if (threads_of(config) != state_->threads) add("smtp.threads");
  if (config.workers != state_->workers) add("smtp.workers");
  return why;
}

std::vector<std::string> SmtpServer::listening() const {
  std::vector<std::string> names;
  const auto listeners = state_->listeners.lock();
  for (const auto& one : *listeners) names.push_back(one.name);
  return names;
}

/// False: plugins have had their time, and nobody is left but those they do not answer of.
bool SmtpServer::State::wait_until_gone(const std::function<bool()>& hurry) {
  auto now = std::chrono::steady_clock::now();
  const auto drained = now + front.wiring.rules()->config->handover.drain;
  auto patience_ends = now + kHookPatience;
  bool draining = true;
  std::unique_lock lock(mutex);
  for (; running > 0; now = std::chrono::steady_clock::now()) {
    if (draining && (now >= drained || (hurry && hurry()))) {
      draining = false;
      for (auto& thread : io) thread->end_handovers();
      patience_ends = std::max(patience_ends, now + kHookPatience);
    }
    if (now >= patience_ends && (!draining || front.with_mta == 0)) return false;
    ended.wait_until(lock, now + kHurryCheck);
  }
  return true;
}

bool SmtpServer::stop(const std::function<bool()>& hurry) {
  auto& state = *state_;
  if (!state.started) return true;
  if (state.stopped) return *state.stopped;
  boost::asio::post(state.io.front()->context(), [&state] {
    state.leaving = true;
    if (state.retry_timer) state.retry_timer->cancel();
  });
  for (auto& thread : state.io) thread->stop();
  state.stopped = state.wait_until_gone(hurry) && state.front.workers.wait_until_idle(kHookPatience);
  if (!*state.stopped) {
    state.front.wiring.log.error("smtp.stuck", {{"error", "a plugin does not return"}});
    return false;
  }
  for (auto& thread : state.io) thread->join();
  state.listeners.lock()->clear();
  return true;
}

}  // namespace deferd::smtp
