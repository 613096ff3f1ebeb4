// A thread with sockets: its connections, its timer wheel, its share of those who come (io_thread.cc), and those of them whom the
// MTA serves (io_thread_mta.cc).
#pragma once
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "smtp/acceptor.h"
#include "smtp/connection.h"
#include "smtp/front_end.h"
#include "smtp/goodbyes.h"
#include "smtp/poller.h"
#include "smtp/seat.h"
#include "smtp/thoughts.h"

namespace deferd::smtp {

/// Public calls come from any thread; what they do is done on this one. (The destructor, start() and join() are its owner's.)
class IoThread final : private ConnectionOwner {
 public:
  IoThread(FrontEnd& front, unsigned lane);
  ~IoThread() override;  ///< Never started, or join()ed.

  void start(std::function<void()> ended);        ///< `ended` is called as its last act.
  void listen(int descriptor, std::string name);  ///< The descriptor outlives the thread.
  void release();                                 ///< Sends guests away that must leave.
  void stop();                                    ///< Accepts no more, says goodbye to all, ends when all are gone.
  void end_handovers();                           ///< Does not wait for those that talk with the MTA any longer.
  void join();

  boost::asio::io_context& context() { return io_; }

 private:
  SteadyTime now() const override { return front_.wiring.clock.steady(); }
  TimerWheel& wheel() override { return wheel_; }
  void wait(Connection& connection, Until until) override;
  void think(Connection& connection) override;
  std::unique_ptr<SmtpSession> open(Connection& connection, Session&& known) override;
  void holding(Connection& connection) override;
  std::shared_ptr<TlsContext> start_tls(Connection& connection) override;
  void hand_over(Connection& connection) override;
  void give_order(Seat& seat);
  void leave_mta(Connection& connection) override { forget_handover(static_cast<Seat&>(connection)); }
  void slowed(Connection& connection, int change) override;
  void stuttered(std::size_t bytes) override { stuttered_ += bytes; }
  void over(Connection& connection) override;

  void run();
  struct Again;  // poll(), whatever happens
  void poll() noexcept;
  template <class Do>
  void guarded(Seat& seat, Do&& what);
  template <class Do>
  void attend(Seat& seat, Do&& what);
  bool watch(Seat& seat);  // false: no room
  void unwatch(Seat& seat);
  void receive(Seat& seat, const Endpoint& client, const Acceptor& acceptor);
  void welcome(Descriptor descriptor, const Endpoint& client, const Acceptor& acceptor);
  bool accept_failed(int error);
  void make_room(std::optional<unsigned> lane);
  void send_away_all();
  void handed_back(Seat& seat, bool over);
  void answered_by_mta(Seat& seat, MtaAnswer answer);
  void end_handover(Seat& seat);
  void forget_handover(Seat& seat);
  bool take_back(Seat& seat);  // false: it was given up
  void settle();               // after whatever may have set something in the wheel, or asked
  void arm();
  void turn();
  static std::string farewell();
  void bury(Seat& seat);
  void end_if_empty();

  FrontEnd& front_;
  const unsigned lane_;
  TimerWheel wheel_;  // outlives the seats
  boost::asio::io_context io_{1};
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_;
  Poller poller_;
  boost::asio::posix::stream_descriptor polled_;  // a duplicate of its descriptor
  boost::asio::steady_timer timer_;
  std::optional<SteadyTime> armed_for_;
  std::list<Acceptor> acceptors_;
  Seats seats_;
  Thoughts thoughts_;
  Goodbyes goodbyes_;
  std::uint64_t stuttered_ = 0;  // bytes, not yet counted
  bool stopping_ = false;
  bool hurrying_ = false;  // hand-overs, too
  std::thread thread_;
};

/// What goes wrong (there is no memory) ends this connection alone: nothing would limit it any more.
template <class Do>
void IoThread::guarded(Seat& seat, Do&& what) {
  try {
    return what();
  } catch (const std::exception& error) {
    front_.wiring.log.error("smtp.failed", {{"error", error.what()}});
  }
  seat.give_up();
}

template <class Do>
void IoThread::attend(Seat& seat, Do&& what) {
  guarded(seat, std::forward<Do>(what));
  settle();
}

}  // namespace deferd::smtp
