// Which of many sockets have changed, told once a change (edge-triggered): epoll(7), kqueue(2).
//
// An event loop that waits for each socket anew before each read pays a system call for every wait. Here a socket is named once,
// and whoever reads must remember what it was told: after an event, read until a read gives less than was asked for.
#pragma once
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstddef>
#include <span>

namespace deferd::smtp {

/// Used by one thread.
class Poller {
 public:
  struct Event {
    void* tag;
    bool readable;
    bool writable;
    bool ended;  ///< The peer has ended, or it is broken: no further event will tell so, reads and writes do.
  };

  Poller();  ///< Throws std::system_error.
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  /// Has `waiter`, which is not open, wait for events: it is readable while there are any. Throws std::system_error.
  void lend_to(boost::asio::posix::stream_descriptor& waiter) const;

  /// Tells when `socket` is readable, and now if it is. It must leave before it is closed if another descriptor of it stays open.
  /// False: no room (errno).
  bool add(int socket, void* tag);
  /// Tells also when it is writable, and now if it is. False: no room (errno).
  bool add_writing(int socket, void* tag);
  void remove(int socket);

  /// What has changed, a number of sockets at most. Valid until the next call.
  std::span<const Event> take();

 private:
  static constexpr std::size_t kAtATurn = 128;
  const int descriptor_;
  std::array<Event, kAtATurn> events_;
};

}  // namespace deferd::smtp
