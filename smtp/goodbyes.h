// Sessions that are over, of which plugins are still to be told.
#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <vector>

#include "smtp/smtp_session.h"
#include "smtp/worker_pool.h"

namespace deferd::smtp {

/// Plugins may think about the end of a session, but nobody waits for them: one job tells of all that ended within a moment. Used
/// by the thread that runs `context`; what was added and not said is told by the destructor.
class Goodbyes {
 public:
  Goodbyes(boost::asio::io_context& context, WorkerPool& workers) : workers_(workers), timer_(context) {}
  void add(std::unique_ptr<SmtpSession> session);
  void say();  ///< At once.

 private:
  WorkerPool& workers_;
  boost::asio::steady_timer timer_;
  std::vector<std::unique_ptr<SmtpSession>> leaving_;
};

}  // namespace deferd::smtp
