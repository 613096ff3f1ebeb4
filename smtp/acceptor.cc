#include "smtp/acceptor.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <exception>

namespace deferd::smtp {

namespace {

constexpr int kAtATurn = 64;  // so that a flood of new clients does not stop the old ones' clocks
constexpr std::chrono::milliseconds kShortest{10}, kShort{100}, kLongest{1000};

}  // namespace

Acceptor::Acceptor(boost::asio::io_context& context, int descriptor, std::string name, Taken taken)
    : socket_(context), timer_(context), name_(std::move(name)), taken_(std::move(taken)) {
  socket_.assign(descriptor);
  wait();
}

void Acceptor::stop() {
  if (socket_.is_open()) socket_.release();
  timer_.cancel();
}

void Acceptor::wait() {
  socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
    if (!error) take();
  });
}

void Acceptor::take() {
  for (int taken = 0; taken < kAtATurn && socket_.is_open(); ++taken) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    Descriptor descriptor(
        ::accept4(socket_.native_handle(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (descriptor) {
      pause_ = {};
      try {
        taken_.welcome(std::move(descriptor), endpoint_of(peer), *this);
      } catch (const std::exception&) {  // there is no memory
        return rest(taken_.failed(ENOMEM));
      }
      continue;
    }
    const int error = errno;
    if (error == EAGAIN || error == EWOULDBLOCK) break;
    // The client is gone already, or the network had something to say of it (accept(2)).
    if (error == EINTR || error == ECONNABORTED || error == EPROTO || error == ENETDOWN || error == EHOSTUNREACH ||
        error == ENETUNREACH || error == ETIMEDOUT || error == EPERM)
      continue;
    return rest(taken_.failed(error));
  }
  if (socket_.is_open()) wait();
}

void Acceptor::rest(bool shortly) {
  if (!socket_.is_open()) return;
  pause_ = shortly ? kShortest : std::clamp(pause_ * 2, kShort, kLongest);
  timer_.expires_after(pause_);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error && socket_.is_open()) take();
  });
}

}  // namespace deferd::smtp
