#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "smtp/poller.h"

namespace deferd::smtp {

namespace {

constexpr std::uint32_t kReading = EPOLLIN | EPOLLRDHUP | EPOLLET;

int open_or_throw() {
  const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  return descriptor;
}

bool control(int poller, int operation, int socket, std::uint32_t events, void* tag) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = tag;
  return ::epoll_ctl(poller, operation, socket, &event) == 0;
}

}  // namespace

Poller::Poller() : descriptor_(open_or_throw()) {}
Poller::~Poller() { ::close(descriptor_); }

void Poller::lend_to(boost::asio::posix::stream_descriptor& waiter) const {
  const int own = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
  if (own < 0) throw std::system_error(errno, std::generic_category(), "dup");
  waiter.assign(own);
}

bool Poller::add(int socket, void* tag) { return control(descriptor_, EPOLL_CTL_ADD, socket, kReading, tag); }

bool Poller::add_writing(int socket, void* tag) { return control(descriptor_, EPOLL_CTL_MOD, socket, kReading | EPOLLOUT, tag); }

void Poller::remove(int socket) { control(descriptor_, EPOLL_CTL_DEL, socket, 0, nullptr); }

std::span<const Poller::Event> Poller::take() {
  std::array<epoll_event, kAtATurn> found;
  const int count = ::epoll_wait(descriptor_, found.data(), static_cast<int>(found.size()), 0);
  for (int i = 0; i < count; ++i) {
    const auto& one = found[static_cast<std::size_t>(i)];
    const bool ended = (one.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    events_[static_cast<std::size_t>(i)] = {one.data.ptr, (one.events & EPOLLIN) != 0, (one.events & EPOLLOUT) != 0, ended};
  }
  return {events_.data(), static_cast<std::size_t>(count > 0 ? count : 0)};
}

}  // namespace deferd::smtp
