#include "milter/milter_server.h"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <mutex>
#include <thread>

#include "milter/acceptor.h"
#include "milter/milter_links.h"
#include "milter/workers.h"

namespace deferd {

namespace {

constexpr std::chrono::milliseconds kHookPatience{1500};  // after the drain; plugins' budgets are shorter
constexpr std::chrono::seconds kSweep{15};                // at most, between looks for silent MTAs

MilterSocket absolute(MilterSocket socket) {
  if (socket.is_unix()) socket.path = std::filesystem::absolute(socket.path).lexically_normal().string();
  return socket;
}

SocketOwner owner_of(const MilterConfig& config) { return {config.socket_owner, config.socket_group, config.socket_mode}; }

bool same_owner(const MilterConfig& a, const MilterConfig& b) {
  return a.socket_owner == b.socket_owner && a.socket_group == b.socket_group && a.socket_mode == b.socket_mode;
}

Result<Listener> listen(const MilterSocket& socket, const MilterConfig& config) {
  auto listener = socket.is_unix() ? Listener::open(socket.path, owner_of(config)) : Listener::open({socket.host, socket.port});
  if (!listener) return fail(listener.error().code, "cannot listen at " + socket.to_string() + ": " + listener.error().what);
  return listener;
}

}  // namespace

struct MilterServer::Impl {
  /// A socket as configured, and who serves it.
  struct Place {
    MilterSocket socket;
    std::shared_ptr<Acceptor> acceptor;
  };

  Impl(const MilterConfig& config, Wiring wiring)
      : log(wiring.log),
        board(config, std::move(wiring.open), std::move(wiring.hooks), wiring.log, wiring.metrics),
        sleepers(io, wiring.metrics.gauge("deferd_milter_sleeping", {}, "Answers being delayed.")),
        links(io, board, sleepers, wiring.metrics.gauge("deferd_milter_connections", {}, "Open connections from the MTA.")),
        workers(io, wiring.metrics.gauge("deferd_milter_threads", {}, "Threads that serve the MTAs' connections."), wiring.log) {}

  Place* find(const MilterSocket& socket) {
    const auto place = std::find_if(places.begin(), places.end(), [&](const Place& have) { return have.socket == socket; });
    return place == places.end() ? nullptr : &*place;
  }

  void add(MilterSocket socket, Listener listener) {
    auto accepted = [this](int connection) { links.open(connection); };
    places.push_back({std::move(socket), std::make_shared<Acceptor>(io, std::move(listener), std::move(accepted), log)});
  }

  /// Begins to serve, once there is somewhere to serve at.
  void serve() {
    if (places.empty()) return;
    if (!running) {
      workers.start(std::thread::hardware_concurrency());
      sweep();
    }
    running = true;
  }

  void sweep() {
    const std::chrono::milliseconds timeout = board.config()->timeout;
    const auto period = std::min<std::chrono::milliseconds>(timeout / 4, kSweep);
    sweep_timer.expires_after(period);
    sweep_timer.async_wait([this, ticks = timeout / period](const auto& error) {
      if (error) return;
      links.sweep(static_cast<std::uint32_t>(ticks));
      sweep();
    });
  }

  Log& log;
  net::io_context io;
  Switchboard board;
  Sleepers sleepers;
  MilterLinks links;
  net::steady_timer sweep_timer{io};
  Workers workers;

  std::mutex mutex;  // of what follows
  std::vector<Place> places;
  bool started = false;
  bool running = false;
  bool stopping = false;

  std::mutex stop_mutex;
  std::optional<bool> stopped;  // what stop() said
};

MilterServer::MilterServer(const std::vector<MilterSocket>& sockets, const MilterConfig& config, Wiring wiring)
    : impl_(std::make_unique<Impl>(config, std::move(wiring))) {
  for (auto& [socket, listener] : or_throw(prepare(sockets, config)).opened) impl_->add(socket, std::move(listener));
}

MilterServer::~MilterServer() {
  if (!stop()) static_cast<void>(impl_.release());  // somebody is still in there
}

void MilterServer::start() {
  const std::lock_guard lock(impl_->mutex);
  impl_->started = true;
  impl_->serve();
  for (auto& place : impl_->places) place.acceptor->start();
}

Result<MilterServer::Change> MilterServer::prepare(const std::vector<MilterSocket>& sockets, const MilterConfig& config) {
  const std::lock_guard lock(impl_->mutex);
  const auto former = impl_->board.config();
  Change change{{}, config, {}};
  std::vector<Acceptor*> kept;
  for (const auto& given : sockets) {
    change.sockets.push_back(absolute(given));
    const auto& socket = change.sockets.back();
    if (const auto* place = impl_->find(socket)) {
      kept.push_back(place->acceptor.get());
      continue;
    }
    auto listener = listen(socket, config);
    if (!listener) return tl::unexpected(listener.error());
    change.opened.emplace_back(socket, std::move(*listener));
  }
  if (same_owner(config, *former)) return change;
  for (auto* acceptor : kept)
    if (auto given = acceptor->give_to(owner_of(config)); !given) {
      for (auto* again : kept) static_cast<void>(again->give_to(owner_of(*former)));
      return tl::unexpected(given.error());
    }
  return change;
}

void MilterServer::apply(Change change) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->stopping) return;
  impl_->board.configure(change.config);
  for (auto& [socket, listener] : change.opened) {
    impl_->add(socket, std::move(listener));
    impl_->log.notice("milter.listening", {{"socket", socket.to_string()}});
  }
  if (impl_->started) {
    impl_->serve();
    for (auto place = impl_->places.end() - static_cast<std::ptrdiff_t>(change.opened.size()); place != impl_->places.end();
         ++place)
      place->acceptor->start();
  }
  std::erase_if(impl_->places, [&](const Impl::Place& place) {
    if (std::find(change.sockets.begin(), change.sockets.end(), place.socket) != change.sockets.end()) return false;
    place.acceptor->close();
    impl_->log.notice("milter.closed", {{"socket", place.socket.to_string()}});
    return true;
  });
}

std::vector<MilterSocket> MilterServer::sockets() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<MilterSocket> all;
  for (const auto& place : impl_->places) {
    all.push_back(place.socket);
    if (!place.socket.is_unix()) all.back().port = place.acceptor->listener().port();
  }
  return all;
}

bool MilterServer::stop() {
  const std::lock_guard once(impl_->stop_mutex);
  if (impl_->stopped) return *impl_->stopped;
  bool running = false;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    running = impl_->running;
    for (auto& place : impl_->places) place.acceptor->close();
    impl_->places.clear();
  }
  impl_->stopped = true;
  if (!running) return true;
  impl_->sleepers.wake();
  const auto drain = impl_->board.config()->drain;
  if (!impl_->board.wait_until_idle(drain)) impl_->log.warning("milter.cut_off", {{"after", format_duration(drain)}});
  if (!impl_->links.cut_all(kHookPatience)) {
    impl_->log.error("milter.stuck", {{"error", "a plugin does not return"}});
    impl_->workers.abandon();
    impl_->stopped = false;
    return false;
  }
  impl_->workers.stop();
  return true;
}

}  // namespace deferd
