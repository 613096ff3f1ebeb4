#include <fcntl.h>
#include <sys/types.h>
// After it:
#include <sys/event.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>

#include "smtp/poller.h"

namespace deferd::smtp {

namespace {

int open_or_throw() {
  const int descriptor = ::kqueue();
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "kqueue");
  ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  return descriptor;
}

bool change(int poller, int socket, short filter, unsigned short flags, void* tag) {
  struct kevent event;
  EV_SET(&event, static_cast<uintptr_t>(socket), filter, flags, 0, 0, tag);
  return ::kevent(poller, &event, 1, nullptr, 0, nullptr) == 0;
}

}  // namespace

Poller::Poller() : descriptor_(open_or_throw()) {}
Poller::~Poller() { ::close(descriptor_); }

// Asio makes what it waits for non-blocking, which a kqueue of FreeBSD refuses (ENOTTY). So it makes a pipe non-blocking, and
// finds the kqueue in its place; it has not told its own kqueue of it by then.
void Poller::lend_to(boost::asio::posix::stream_descriptor& waiter) const {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  waiter.assign(ends[0]);
  waiter.native_non_blocking(true);
  ::close(ends[1]);
  if (::dup2(descriptor_, ends[0]) < 0) throw std::system_error(errno, std::generic_category(), "dup2");
  ::fcntl(ends[0], F_SETFD, FD_CLOEXEC);
}

bool Poller::add(int socket, void* tag) { return change(descriptor_, socket, EVFILT_READ, EV_ADD | EV_CLEAR, tag); }

bool Poller::add_writing(int socket, void* tag) { return change(descriptor_, socket, EVFILT_WRITE, EV_ADD | EV_CLEAR, tag); }

void Poller::remove(int socket) {
  change(descriptor_, socket, EVFILT_READ, EV_DELETE, nullptr);
  change(descriptor_, socket, EVFILT_WRITE, EV_DELETE, nullptr);
}

std::span<const Poller::Event> Poller::take() {
  std::array<struct kevent, kAtATurn> found;
  const timespec at_once{};
  const int count = ::kevent(descriptor_, nullptr, 0, found.data(), static_cast<int>(found.size()), &at_once);
  for (int i = 0; i < count; ++i) {
    const auto& one = found[static_cast<std::size_t>(i)];
    events_[static_cast<std::size_t>(i)] = {one.udata, one.filter == EVFILT_READ, one.filter == EVFILT_WRITE,
                                            (one.flags & EV_EOF) != 0};
  }
  return {events_.data(), static_cast<std::size_t>(count > 0 ? count : 0)};
}

}  // namespace deferd::smtp
