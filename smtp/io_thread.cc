#include "smtp/io_thread.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "ops/signals.h"
#include "smtp/alertness.h"
#include "smtp/original_destination.h"
#include "smtp/reply.h"
#include "smtp/texts.h"

namespace deferd::smtp {

namespace net = boost::asio;
using boost::system::error_code;

namespace {

std::string busy(const SmtpConfig& config, const Address& client, const Clock& clock) {
  return format_reply(421, "4.7.0", expand(config.texts.busy, {config.name, config.product, client, clock.now()}));
}

}  // namespace

IoThread::IoThread(FrontEnd& front, unsigned lane)
    : front_(front),
      lane_(lane),
      wheel_(front.wiring.clock.steady()),
      work_(net::make_work_guard(io_)),
      polled_(io_),
      timer_(io_),
      thoughts_(
          io_, front.workers, front.wiring.log,
          [this](Seat& seat, Step step) { guarded(seat, [&] { seat.answered(std::move(step)); }); }, [this] { settle(); }),
      goodbyes_(io_, front.workers) {
  poller_.lend_to(polled_);
  poll();
}

IoThread::~IoThread() {
  acceptors_.clear();
  seats_.clear_and_dispose([](Seat* seat) { delete seat; });
}

void IoThread::start(std::function<void()> ended) {
  thread_ = std::thread([this, ended = std::move(ended)] {
    block_signals();
    for (bool running = true; running;) try {
        run();
        running = false;
      } catch (const std::exception& error) {  // no memory: one event is lost, the others are not
        front_.wiring.log.error("smtp.failed", {{"error", error.what()}});
      }
    ended();
  });
}

/// As io_.run() does, but that naps are avoided.
void IoThread::run() {
  Alertness alertness;
  const auto time = [] { return SteadyTime::clock::now(); };
  while (!io_.stopped()) {
    if (io_.poll() > 0) {
      alertness.found_something(time());
      continue;
    }
    const auto from = time();
    if (alertness.looks_again(from)) {
      std::this_thread::yield();
      continue;
    }
    io_.run_one();
    alertness.slept(from, time());
  }
}

void IoThread::join() {
  if (thread_.joinable()) thread_.join();
}

void IoThread::listen(int descriptor, std::string name) {
  net::post(io_, [this, descriptor, name = std::move(name)] {
    if (stopping_) return;
    acceptors_.emplace_back(io_, descriptor, name,
                            Acceptor::Taken{[this](Descriptor accepted, const Endpoint& client, const Acceptor& from) {
                                              welcome(std::move(accepted), client, from);
                                            },
                                            [this](int error) { return accept_failed(error); }});
  });
}

// ---- those who come

void IoThread::welcome(Descriptor descriptor, const Endpoint& client, const Acceptor& acceptor) {
  auto* seat = new Seat(*this, lane_, descriptor.get(), front_.wiring.rules()->config);
  static_cast<void>(descriptor.release());
  if (!watch(*seat)) {
    const int error = errno;
    delete seat;
    accept_failed(error);
    return;
  }
  seats_.push_back(*seat);
  try {
    receive(*seat, client, acceptor);
  } catch (const std::exception&) {  // there is no memory
    if (seat->state() == Connection::State::over) throw;
    if (seat->entered) {
      front_.admission.leave(*seat);
      front_.connections.add(-1);
    }
    bury(*seat);
    throw;
  }
  settle();
}

void IoThread::receive(Seat& seat, const Endpoint& client, const Acceptor& acceptor) {
  const auto& config = seat.config();
  Session known;
  known.client = client.port != 0 ? client.address : Address::v4(0x7F000001);  // a unix socket: somebody on this host
  known.client_port = client.port;
  const auto local = original_destination(seat.descriptor());
  known.local = local.address;
  known.local_port = local.port;
  known.front_end = "smtp";
  known.listener = acceptor.name();

  const bool proxied = std::any_of(config.proxy_from.begin(), config.proxy_from.end(),
                                   [&](const Prefix& balancers) { return balancers.contains(known.client); });
  const bool named = !proxied && client.port != 0;
  const auto answer = front_.admission.enter(seat, named ? std::optional(network_of(known.client)) : std::nullopt, now());
  if (answer.refusal != Admission::Refusal::none) {
    front_.refused(answer.refusal, known.client);
    static_cast<void>(seat.transport().write(busy(config, known.client, front_.wiring.clock)));
    return bury(seat);
  }
  seat.entered = true;
  front_.connections.add(1);
  make_room(answer.lane);
  seat.start(std::move(known), proxied);
}

bool IoThread::accept_failed(int error) {
  if (const auto left_out = front_.accept_failures.admit())
    front_.wiring.log.warning("smtp.accept_failed", {{"error", std::strerror(error)}, {"left_out", *left_out}});
  if (error != EMFILE && error != ENFILE && error != ENOMEM && error != ENOBUFS) return false;
  const auto lane = front_.admission.release_one();
  make_room(lane);
  return lane.has_value();
}

void IoThread::make_room(std::optional<unsigned> lane) {
  if (lane) front_.release(*lane);
}

void IoThread::release() {
  net::post(io_, [this] {
    while (Guest* guest = front_.admission.next_to_leave(lane_)) {
      auto& seat = static_cast<Seat&>(*guest);
      front_.released.add();
      seat.finish(busy(seat.config(), seat.session()->client(), front_.wiring.clock));
    }
    settle();
  });
}

std::unique_ptr<SmtpSession> IoThread::open(Connection& connection, Session&& known) {
  auto& seat = static_cast<Seat&>(connection);
  const auto client = known.client;
  if (known.client_port != 0)
    if (const auto refusal = front_.admission.name(seat, network_of(client), now()); refusal != Admission::Refusal::none) {
      front_.refused(refusal, client);
      static_cast<void>(seat.transport().write(busy(seat.config(), client, front_.wiring.clock)));
      return nullptr;
    }
  seat.known = true;
  const auto counts = front_.admission.counts();
  front_.wiring.log.info("smtp.connected", {{"client", client}, {"connections", counts.total}, {"held", counts.held}});
  auto rules = front_.wiring.rules();
  if (rules->tls_offered && front_.admission.tls_full()) {
    auto without = std::make_shared<SessionRules>(*rules);
    without->tls_offered = false;
    rules = std::move(without);
  }
  return std::make_unique<SmtpSession>(std::move(rules), front_.wiring.open, std::move(known), front_.wiring.log);
}

// ---- what connections ask for

void IoThread::wait(Connection& connection, Until until) {
  auto& seat = static_cast<Seat&>(connection);
  switch (until) {
    case Until::readable:  // always told
      return;
    case Until::writable:
      if (!seat.polled_for_room) seat.polled_for_room = poller_.add_writing(seat.descriptor(), &seat);
      return;
    case Until::next_turn:
      return net::post(io_, [this, &seat] { attend(seat, [&] { seat.ready(); }); });
  }
}

bool IoThread::watch(Seat& seat) {
  if (!seat.polled) seat.polled = poller_.add(seat.descriptor(), &seat);
  return seat.polled;
}

void IoThread::unwatch(Seat& seat) {
  if (seat.polled) poller_.remove(seat.descriptor());
  seat.polled = seat.polled_for_room = false;
}

struct IoThread::Again {
  ~Again() { thread.poll(); }
  IoThread& thread;
};

/// Without this nobody is heard any more: rather end, and be started again.
void IoThread::poll() noexcept {
  polled_.async_wait(Seat::Socket::wait_read, [this](const error_code& error) {
    if (error == net::error::operation_aborted) return;
    if (error) {
      front_.wiring.log.error("smtp.failed", {{"error", error.message()}});
      std::abort();
    }
    const Again again{*this};
    // Each is told once: what goes wrong with one must not take the others'.
    for (const auto& event : poller_.take()) {
      auto& seat = *static_cast<Seat*>(event.tag);
      guarded(seat, [&] { seat.ready(event.ended); });
    }
    settle();
  });
}

void IoThread::slowed(Connection&, int change) { front_.slowed.add(change); }

void IoThread::think(Connection& connection) { thoughts_.add(static_cast<Seat&>(connection)); }

void IoThread::holding(Connection& connection) {
  auto& seat = static_cast<Seat&>(connection);
  seat.held = true;
  front_.held.add(1);
  make_room(front_.admission.hold(seat));
}

std::shared_ptr<TlsContext> IoThread::start_tls(Connection& connection) {
  auto context = front_.wiring.tls ? front_.wiring.tls() : nullptr;
  if (!context || !front_.admission.start_tls(static_cast<Seat&>(connection))) return nullptr;
  return context;
}

// ---- those who leave

void IoThread::over(Connection& connection) {
  auto& seat = static_cast<Seat&>(connection);
  forget_handover(seat);
  auto session = seat.take_session();
  if (seat.known && session) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now() - seat.began()).count();
    front_.wiring.log.info("smtp.disconnected",
                           {{"client", session->client()}, {"seconds", std::int64_t{seconds}}, {"lists", session->lists()}});
  }
  front_.admission.leave(seat);
  front_.connections.add(-1);
  if (seat.held) front_.held.add(-1);
  if (session && session->needs_goodbye()) goodbyes_.add(std::move(session));
  if (stopping_) goodbyes_.say();
  net::post(io_, [this, &seat] { bury(seat); });
}

void IoThread::bury(Seat& seat) {
  unwatch(seat);  // closing is not enough while a child that has not come to exec(2) has it, too
  seat.close_socket();
  seats_.erase_and_dispose(seats_.iterator_to(seat), [](Seat* dead) { delete dead; });
  end_if_empty();
}

void IoThread::stop() {
  net::post(io_, [this] {
    stopping_ = true;
    for (auto& acceptor : acceptors_) acceptor.stop();
    send_away_all();
    end_if_empty();
  });
}

std::string IoThread::farewell() { return format_reply(421, "4.3.2", "Shutting down"); }

void IoThread::send_away_all() {
  for (auto& seat : seats_) seat.finish(farewell());
}

void IoThread::end_if_empty() {
  if (!stopping_ || !seats_.empty()) return;
  timer_.cancel();
  polled_.cancel();
  goodbyes_.say();
  work_.reset();
}

void IoThread::settle() {
  thoughts_.ask();
  arm();
}

// ---- time

void IoThread::arm() {
  const auto next = wheel_.next();
  if (!next || (armed_for_ && *armed_for_ <= *next)) return;
  armed_for_ = next;
  timer_.expires_at(*next);
  timer_.async_wait([this](const error_code& error) {
    if (!error) turn();
  });
}

void IoThread::turn() {
  armed_for_.reset();
  wheel_.turn(now(), [this](Timed& timed) {
    auto& seat = static_cast<Seat&>(timed);
    guarded(seat, [&] { seat.due(); });
  });
  if (stuttered_ > 0) front_.stuttered_bytes.add(std::exchange(stuttered_, 0));
  settle();
}

}  // namespace deferd::smtp
