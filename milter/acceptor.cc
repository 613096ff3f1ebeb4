#include "milter/acceptor.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace deferd {

namespace {

constexpr std::chrono::seconds kPause{1};

}  // namespace

Acceptor::Acceptor(net::io_context& io, Listener listener, std::function<void(int)> accepted, Log& log)
    : accepted_(std::move(accepted)), log_(log), descriptor_(io), timer_(io) {
  listener_.emplace(std::move(listener));
}

void Acceptor::start() {
  const std::lock_guard lock(mutex_);
  descriptor_.assign(listener_->descriptor());
  wait();
}

void Acceptor::close() {
  const std::lock_guard lock(mutex_);
  if (!listener_) return;
  if (descriptor_.is_open()) descriptor_.release();
  timer_.cancel();
  listener_.reset();
}

Result<void> Acceptor::give_to(const SocketOwner& owner) {
  const std::lock_guard lock(mutex_);
  return listener_ ? listener_->give_to(owner) : Result<void>();
}

void Acceptor::wait() {
  descriptor_.async_wait(descriptor_.wait_read, [self = shared_from_this()](const auto& error) {
    if (!error) self->ready();
  });
}

void Acceptor::ready() {
  int socket = -1;
  {
    const std::lock_guard lock(mutex_);
    if (!listener_) return;
    socket = ::accept4(listener_->descriptor(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) return rest();
    wait();  // the next one is another thread's, while this one serves
  }
  if (socket >= 0) accepted_(socket);
}

// Out of descriptors or memory: the client stays in the queue.
void Acceptor::rest() {
  log_.warning("milter.accept_failed", {{"error", std::strerror(errno)}});
  timer_.expires_after(kPause);
  timer_.async_wait([self = shared_from_this()](const auto& error) {
    if (error) return;
    const std::lock_guard lock(self->mutex_);
    if (self->listener_) self->wait();
  });
}

}  // namespace deferd
