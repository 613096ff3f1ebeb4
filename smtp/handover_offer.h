// The place where a connection leaves the front end for the real MTA.
#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <string_view>

#include "smtp/smtp_session.h"
#include "smtp/transport.h"

namespace deferd::smtp {

/// A client whose recipient is let in, and what is needed to give it to the MTA. Everything is lent, until `failed` or `over` was
/// called or the Handover destroyed; all on the thread that runs `context`.
struct HandoverOffer {
  boost::asio::io_context& context;
  boost::asio::posix::stream_descriptor& socket;  ///< Wait for readiness with it; read and write through `transport`.
  Transport& transport;
  const Session& session;
  const HandoverEnvelope& envelope;
  std::string_view unread;  ///< What the client has sent after its RCPT.

  /// One of these is called, once, and not from within StartHandover.
  std::function<void()> failed;  ///< The client has heard nothing yet: the session goes on, and tells it 451.
  std::function<void()> over;    ///< All is said: hang up.
};

/// One client's session with the MTA. Its destructor ends it at once.
class Handover {
 public:
  virtual ~Handover() = default;
};

using StartHandover = std::function<std::unique_ptr<Handover>(HandoverOffer)>;

}  // namespace deferd::smtp
