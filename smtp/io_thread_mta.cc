// What a thread does for clients whom the MTA serves.
#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "smtp/io_thread.h"

namespace deferd::smtp {

namespace net = boost::asio;

void IoThread::hand_over(Connection& connection) {
  auto& seat = static_cast<Seat&>(connection);
  if (hurrying_) return net::post(io_, [this, &seat] { end_handover(seat); });
  unwatch(seat);  // the hand-over waits for it in its own way
  // In the words of an MTA that is joined already nobody else has a say.
  const bool joined = seat.handover && seat.session()->mta_order().what == MtaOrder::What::join;
  try {
    give_order(seat);
  } catch (const std::exception& error) {  // no memory, no descriptor
    front_.wiring.log.error("smtp.failed", {{"error", error.what()}});
    forget_handover(seat);
    net::post(io_, [this, &seat, joined] {
      attend(seat, [&] {
        if (seat.state() != Connection::State::handed_over) return;
        if (joined)
          seat.mta_over();
        else if (take_back(seat))
          seat.mta_failed();
        if (stopping_) seat.finish(farewell());
      });
    });
  }
}

void IoThread::give_order(Seat& seat) {
  const auto& order = seat.session()->mta_order();
  if (seat.handover) return seat.handover->go_on(order, seat.socket(io_), seat.unread());
  seat.handover =
      front_.wiring.hand_over({.context = io_,
                               .socket = seat.socket(io_),
                               .transport = seat.transport(),
                               .session = seat.session()->session(),
                               .order = order,
                               .unread = seat.unread(),
                               .end = seat.session_end(),
                               .answered = [this, &seat](MtaAnswer answer) { answered_by_mta(seat, std::move(answer)); },
                               .failed = [this, &seat] { handed_back(seat, false); },
                               .over = [this, &seat] { handed_back(seat, true); }});
  ++front_.with_mta;
}

void IoThread::forget_handover(Seat& seat) {
  if (!seat.handover) return;
  seat.handover.reset();
  seat.unregister();
  --front_.with_mta;
}

/// The client's next words are ours to hear.
bool IoThread::take_back(Seat& seat) {
  if (watch(seat)) return true;
  accept_failed(errno);
  seat.give_up();
  return false;
}

// Neither of these now: the hand-over is in the middle of something. It may be ended meanwhile.

void IoThread::answered_by_mta(Seat& seat, MtaAnswer answer) {
  net::post(io_, [this, &seat, answer = std::move(answer)]() mutable {
    attend(seat, [&] {
      if (!seat.handover || !take_back(seat)) return;
      seat.mta_answered(std::move(answer));
      if (stopping_) seat.finish(farewell());
    });
  });
}

void IoThread::handed_back(Seat& seat, bool over) {
  net::post(io_, [this, &seat, over] {
    attend(seat, [&] {
      if (!seat.handover) return;
      forget_handover(seat);
      if (over)
        seat.mta_over();
      else if (take_back(seat))
        seat.mta_failed();
      if (stopping_) seat.finish(farewell());
    });
  });
}

void IoThread::end_handovers() {
  net::post(io_, [this] {
    hurrying_ = true;
    for (auto& seat : seats_)
      if (seat.state() == Connection::State::handed_over) end_handover(seat);
  });
}

void IoThread::end_handover(Seat& seat) {
  forget_handover(seat);
  seat.mta_over();
}

}  // namespace deferd::smtp
