// A connection where it lives: with its socket, in a thread, in the books.
#pragma once
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/intrusive/list.hpp>
#include <memory>
#include <utility>

#include "smtp/admission.h"
#include "smtp/connection.h"
#include "smtp/handover_offer.h"

namespace deferd::smtp {

/// Of an IoThread, and used by it alone.
struct Seat : Connection, Guest, boost::intrusive::list_base_hook<> {
  using Socket = boost::asio::posix::stream_descriptor;

  Seat(ConnectionOwner& owner, unsigned lane, int descriptor, std::shared_ptr<const SmtpConfig> config)
      : Connection(owner, descriptor, std::move(config)), Guest(lane) {}
  ~Seat() { close_socket(); }

  /// Asio's side of the socket, for a hand-over. Throws boost::system::system_error: no room.
  Socket& socket(boost::asio::io_context& context) {
    if (!registered) registered = std::make_unique<Socket>(context, descriptor());
    return *registered;
  }
  /// Asio forgets the socket.
  void unregister() {
    if (!registered) return;
    registered->release();
    registered.reset();
  }
  void close_socket() {
    if (std::exchange(closed, true)) return;
    unregister();
    ::close(descriptor());
  }

  std::unique_ptr<Handover> handover;
  std::unique_ptr<Socket> registered;
  bool polled = false, polled_for_room = false;  ///< The poller tells of it; also when it is writable.
  bool closed = false;
  bool entered = false;  ///< Has a place.
  bool known = false;    ///< Admitted under the client's own address, and logged.
  bool held = false;
};

using Seats = boost::intrusive::list<Seat>;

}  // namespace deferd::smtp
