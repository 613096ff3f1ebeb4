// One connection to the MTA, until it has answered the recipient or cannot: connects, and runs an MtaClient on it.
#pragma once
#include <array>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>

#include "smtp/handover_limits.h"
#include "smtp/mta_client.h"
#include "smtp/smtp_address.h"

namespace deferd::smtp {

/// Used by the thread that runs `context`. Lives until it is done.
class MtaCall : public std::enable_shared_from_this<MtaCall> {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;
  /// The socket is open only if the result is an answer.
  using Done = std::function<void(const MtaResult&, Socket)>;

  /// `done` is called once, never from within; not after cancel().
  static std::shared_ptr<MtaCall> start(boost::asio::io_context& context, const SmtpAddress& where, MtaScript script,
                                        const MtaPatience& patience, Done done);
  void cancel();

 private:
  MtaCall(boost::asio::io_context& context, MtaScript script, const MtaPatience& patience, Done done);

  void connect(const SmtpAddress& where);
  void connected();
  void listen_first();
  void speak();
  void send(std::string bytes);
  void read();
  void wait(std::chrono::milliseconds time);
  void finish();

  Socket socket_;
  boost::asio::steady_timer timer_;
  const bool proxied_;
  const MtaPatience patience_;
  MtaClient client_;
  Done done_;  // null: cancelled, or done
  bool speaking_ = false;
  std::string sending_;
  std::array<char, 4096> arrived_;
};

}  // namespace deferd::smtp
