// A connection where it lives: with its socket, in a thread, in the books.
#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/intrusive/list.hpp>
#include <memory>

#include "smtp/admission.h"
#include "smtp/connection.h"
#include "smtp/handover_offer.h"

namespace deferd::smtp {

/// Of an IoThread, and used by it alone.
struct Seat : Connection, Guest, boost::intrusive::list_base_hook<> {
  Seat(ConnectionOwner& owner, boost::asio::io_context& context, unsigned lane, int descriptor,
       std::shared_ptr<const SmtpConfig> config)
      : Connection(owner, descriptor, std::move(config)), Guest(lane), socket(context) {}

  boost::asio::posix::stream_descriptor socket;  ///< Closed with the seat.
  std::unique_ptr<Handover> handover;
  bool waits_to_read = false, waits_to_write = false;  ///< A handler of the socket's is still to come.
  bool known = false;                                  ///< Admitted under the client's own address, and logged.
  bool held = false;
};

using Seats = boost::intrusive::list<Seat>;

}  // namespace deferd::smtp
