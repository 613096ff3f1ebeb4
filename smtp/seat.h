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

  bool waits() const { return waits_to_read || waits_to_write; }

  /// Asio's side of the socket, made when something is to be waited for. Throws boost::system::system_error: no room.
  Socket& socket(boost::asio::io_context& context) {
    if (!registered) registered = std::make_unique<Socket>(context, descriptor());
    return *registered;
  }
  /// Asio forgets the socket, to save memory, if it waits for nothing.
  void unregister() {
    if (!registered || waits()) return;
    registered->release();
    registered.reset();
  }
  void close_socket() {
    if (std::exchange(closed, true)) return;
    boost::system::error_code ignored;
    if (registered)
      registered->close(ignored);
    else
      ::close(descriptor());
  }

  std::unique_ptr<Handover> handover;
  std::unique_ptr<Socket> registered;
  bool waits_to_read = false, waits_to_write = false;  ///< A handler of the socket's is still to come.
  bool closed = false;
  bool known = false;  ///< Admitted under the client's own address, and logged.
  bool held = false;
};

using Seats = boost::intrusive::list<Seat>;

}  // namespace deferd::smtp
