// One listening socket as one I/O thread sees it: takes who comes, many at a turn, and rests when the system has no room.
#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <string>

#include "ops/descriptors.h"
#include "smtp/original_destination.h"

namespace deferd::smtp {

class Acceptor {
 public:
  struct Taken {
    /// The descriptor is non-blocking.
    std::function<void(Descriptor descriptor, const Endpoint& peer, const Acceptor&)> welcome;
    /// accept(2) failed with `error` for want of descriptors or memory, or for something unheard of; nobody is accepted for a
    /// while. True: some have been set free, so it will not be long.
    std::function<bool(int error)> failed;
  };

  /// `descriptor` outlives it, and may be others' too. Throws boost::system::system_error.
  Acceptor(boost::asio::io_context& context, int descriptor, std::string name, Taken taken);
  ~Acceptor() { stop(); }

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
