// Carries one message from a client to the MTA, as it comes and with nothing behind its end, and waits for the MTA's answer.
#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "smtp/message_end.h"
#include "smtp/mta_call.h"
#include "smtp/transport.h"

namespace deferd::smtp {

/// Used by the thread that runs `context`. Lives until it is done. Memory: 64 KiB while the MTA is slow; nothing is read from the
/// client as long as the MTA has not taken what came before.
class MessageRelay : public std::enable_shared_from_this<MessageRelay> {
 public:
  struct Result {
    enum class How : std::uint8_t {
      answered,     ///< `code` and `reply`, to the whole message.
      early,        ///< `code` and `reply`, a refusal before its end.
      too_slow,     ///< The client, at the limit of its session. The MTA has not got the end.
      doubtful,     ///< Its end is in doubt (message_end.h): the MTA has not got it.
      mta_gone,     ///< Or out of step; it has not got the end.
      unanswered,   ///< It was sent the whole message, and is gone or out of step: nobody knows whether it has taken it.
      client_gone,  ///< Before the end.
    };
    How how = How::mta_gone;
    int code = 0;
    std::string reply;
    std::string unread;  ///< What the client has sent after the end.
    std::uint64_t bytes = 0;
  };
  struct Limits {
    std::chrono::milliseconds idle;             ///< Nobody says or takes anything for so long.
    std::chrono::steady_clock::time_point end;  ///< The client must have sent its message by then.
  };
  using Done = std::function<void(const Result&)>;

  /// Everything is lent until `done`, which is called once, never from within, or stop(). Unless it answered, the MTA must be
  /// left without another word then.
  static std::shared_ptr<MessageRelay> start(boost::asio::io_context& context, boost::asio::posix::stream_descriptor& client,
                                             Transport& transport, std::string_view unread, MtaCall::Socket& mta,
                                             const Limits& limits, Done done);
  void stop();  ///< At once; `done` is not called.

 private:
  static constexpr std::size_t kPiece = 64 * 1024;

  MessageRelay(boost::asio::io_context& context, boost::asio::posix::stream_descriptor& client, Transport& transport,
               MtaCall::Socket& mta, const Limits& limits, Done done);
  void pump();
  bool hear();     // the MTA; false: it is over
  bool deliver();  // false: wait, or it is over
  bool read();     // the client; likewise
  bool take(std::string_view bytes);
  void wait_for_client(bool to_write);
  void wait_for_mta(bool to_write);
  std::chrono::steady_clock::time_point due() const;
  void watch();
  bool finish(Result::How how);  // false
  void let_go();

  boost::asio::io_context& context_;
  boost::asio::posix::stream_descriptor& client_;
  Transport& transport_;
  MtaCall::Socket& mta_;
  PlainTransport mta_transport_;
  const Limits limits_;
  boost::asio::steady_timer timer_;
  std::chrono::steady_clock::time_point moved_;
  MessageEnd end_;
  std::string out_;       // for the MTA
  std::size_t sent_ = 0;  // of out_
  std::string kept_;      // what may be the beginning of the end
  bool complete_ = false;
  bool awaits_client_ = false, awaits_mta_reading_ = false, awaits_mta_writing_ = false;
  Result result_;
  Done done_;  // null: over
};

}  // namespace deferd::smtp
