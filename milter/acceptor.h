// Takes connections at one listening socket.
#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <mutex>

#include "deferd/host.h"
#include "net/listener.h"

namespace deferd {

namespace net = boost::asio;

/// Thread-safe. Handlers keep it alive, so it is shared.
class Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  /// `accepted` gets every connection, a non-blocking socket, on a thread of the io_context; several at a time. It may take long.
  Acceptor(net::io_context& io, Listener listener, std::function<void(int socket)> accepted, Log& log);

  void start();
  void close();  ///< Lets go of the listening socket; a connection just taken may still be handed on.

  const Listener& listener() const { return *listener_; }  ///< Not after close().
  Result<void> give_to(const SocketOwner& owner);          ///< Listener::give_to().

 private:
  void wait();
  void ready();
  void rest();

  const std::function<void(int)> accepted_;
  Log& log_;
  std::mutex mutex_;
  std::optional<Listener> listener_;  // empty: closed
  net::posix::basic_stream_descriptor<net::io_context::executor_type> descriptor_;
  net::steady_timer timer_;
};

}  // namespace deferd
