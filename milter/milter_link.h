// One connection from the MTA: its socket.
#pragma once
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cstdint>
#include <list>

#include "milter/milter_connection.h"

namespace deferd {

namespace net = boost::asio;
class MilterLinks;

/// There is always exactly one thing to happen next: a handler that runs, a delay, or the socket's being ready. So no handlers of
/// one link overlap, and the last one destroys it. All that is received at once is dealt with at once and answered by one write;
/// nothing more is read before that is written.
class MilterLink {
 public:
  /// Takes over the connected, non-blocking `socket`.
  MilterLink(MilterLinks& links, int socket);
  ~MilterLink();
  MilterLink(const MilterLink&) = delete;
  MilterLink& operator=(const MilterLink&) = delete;

  /// Deals with what has been received so far, on the caller's thread. The link may be destroyed when it returns.
  void begin();

  /// Ends both directions, from any thread: whatever is next finds the link dead. Not to be called once it is being closed.
  void cut();

  /// The tick since which the MTA has kept us waiting; 0: it does not.
  std::uint32_t waiting_since() const { return waiting_since_.load(std::memory_order_relaxed); }

 private:
  friend class MilterLinks;
  using Descriptor = net::posix::basic_stream_descriptor<net::io_context::executor_type>;

  template <class Work>
  void run(Work work);
  void receive();
  void advance();
  bool delayed();
  bool send();
  void wait(Descriptor::wait_type what);
  void finish();

  MilterLinks& links_;
  const int socket_;
  Descriptor descriptor_;  // of socket_, from the first wait() on
  MilterConnection connection_;
  MilterConnection::Next next_ = MilterConnection::Next::read;  // when out() is sent
  std::size_t sent_ = 0;                                        // of out()
  std::atomic<std::uint32_t> waiting_since_ = 0;
  std::list<MilterLink>::iterator place_;
};

}  // namespace deferd
