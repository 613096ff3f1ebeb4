// The place where a connection leaves the front end for the real MTA, and where it comes back.
#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <string_view>

#include "deferd/session.h"
#include "deferd/time.h"
#include "smtp/mta_order.h"
#include "smtp/transport.h"

namespace deferd::smtp {

/// A client whose recipient is let in, and what is needed to bring it to the MTA. Everything is lent, until `failed` or `over`
/// was called or the Handover destroyed; all on the thread that runs `context`.
struct HandoverOffer {
  boost::asio::io_context& context;
  boost::asio::posix::stream_descriptor& socket;  ///< Wait for readiness with it; read and write through `transport`.
  Transport& transport;
  const Session& session;   ///< Only as long as start() lasts.
  const MtaOrder& order;    ///< Likewise; `join` or `open`.
  std::string_view unread;  ///< What the client has sent after its last command; until the answer.
  SteadyTime end;           ///< A client that is led must have sent its message by then.

  /// To each order comes one of these, not from within. After `failed` and `over` there is nothing more to come.
  std::function<void(MtaAnswer)> answered;
  std::function<void()> failed;  ///< There is no answer, and the client has heard nothing yet: the session goes on without MTA.
  std::function<void()> over;    ///< All is said: hang up.
};

/// One client's dialogue with the MTA. Its destructor ends it at once.
class Handover {
 public:
  virtual ~Handover() = default;
  /// The next order, after the last one was answered. All is lent as in the offer; the socket may be another object than before,
  /// unless client and MTA are joined.
  virtual void go_on(const MtaOrder& order, boost::asio::posix::stream_descriptor& socket, std::string_view unread) = 0;
};

using StartHandover = std::function<std::unique_ptr<Handover>(HandoverOffer)>;

}  // namespace deferd::smtp
