// What one I/O thread asks of the threads that may block, and what they answer.
#pragma once
#include <boost/asio/io_context.hpp>
#include <functional>
#include <mutex>

#include "deferd/plugin.h"
#include "smtp/seat.h"
#include "smtp/worker_pool.h"

namespace deferd::smtp {

/// Both ways many at once: waking a thread costs more than most answers do. All is called by the thread that runs `context`.
class Thoughts {
 public:
  using Answered = std::function<void(Seat&, Step)>;

  Thoughts(boost::asio::io_context& context, WorkerPool& workers, Log& log, Answered answered, std::function<void()> settled);
  ~Thoughts();  ///< Nobody is thinking any more.

  /// The seat's session has an answer to give; it stays until it has. Nobody begins before ask().
  void add(Seat& seat);
  void ask();

 private:
  struct Thought final : WorkerPool::Job {
    Thought(Thoughts& its_owner, Seat& its_seat) : owner(its_owner), seat(its_seat), session(its_seat.session()) {}
    void run() override;
    Thoughts& owner;
    Seat& seat;
    SmtpSession* const session;
    Step step;
  };

  void put(Thought& thought) noexcept;
  void take();

  boost::asio::io_context& context_;
  WorkerPool& workers_;
  Log& log_;
  const Answered answered_;
  const std::function<void()> settled_;
  WorkerPool::Jobs urgent_, patient_;  // not yet asked
  WorkerPool::Jobs taken_;             // whose seats are being told
  std::mutex mutex_;
  WorkerPool::Jobs done_;  // with the lock held
};

}  // namespace deferd::smtp
