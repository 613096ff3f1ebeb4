// One listening socket as one I/O thread sees it: takes who comes, many at a turn, and rests when the system has no room.
#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <string>

#include "smtp/original_destination.h"

namespace deferd::smtp {

class Acceptor {
 public:
  struct Taken {
    /// Owns the descriptor, which is non-blocking.
    std::function<void(int descriptor, const Endpoint& peer, const Acceptor&)> welcome;
    /// accept(2) failed with `error` for want of descriptors or memory, or for something unheard of; nobody is accepted for a
    /// while. True: some have been set free, so it will not be long.
    std::function<bool(int error)> failed;
  };

  /// `descriptor` is duplicated. Throws boost::system::system_error.
  Acceptor(boost::asio::io_context& context, int descriptor, std::string name, Taken taken);

  void stop();
  const std::string& name() const { return name_; }

 private:
  void wait();
  void take();
  void rest(bool shortly);

  boost::asio::posix::stream_descriptor socket_;
  boost::asio::steady_timer timer_;
  const std::string name_;
  const Taken taken_;
  std::chrono::milliseconds pause_{};
};

}  // namespace deferd::smtp
