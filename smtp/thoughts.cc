#include "smtp/thoughts.h"

#include <boost/asio/post.hpp>
#include <memory>
#include <utility>

#include "smtp/reply.h"

namespace deferd::smtp {

Thoughts::Thoughts(boost::asio::io_context& context, WorkerPool& workers, Log& log, Answered answered,
                   std::function<void()> settled)
    : context_(context), workers_(workers), log_(log), answered_(std::move(answered)), settled_(std::move(settled)) {}

Thoughts::~Thoughts() {
  for (auto* left : {&urgent_, &patient_, &done_, &taken_})
    left->clear_and_dispose([](auto* job) { delete static_cast<Thought*>(job); });
}

void Thoughts::add(Seat& seat) {
  // Of recipients the store is asked. But a client whose message the MTA has sends it again if it hears of that too late.
  const bool patient = seat.session()->in_transaction() && !seat.session()->tells_of_message();
  (patient ? patient_ : urgent_).push_back(*new Thought(*this, seat));
}

void Thoughts::ask() {
  if (!urgent_.empty() || !patient_.empty()) workers_.post(urgent_, patient_);
}

void Thoughts::Thought::run() {
  try {
    step = session->answer();
  } catch (const std::exception& error) {
    owner.log_.error("smtp.failed", {{"error", error.what()}});
    step = {.reply = format_reply(451, "4.3.0", "Please try again later"), .then = Step::Then::hang_up};
  }
  owner.put(*this);
}

void Thoughts::put(Thought& thought) noexcept {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = done_.empty();
    done_.push_back(thought);
  }
  if (first) boost::asio::post(context_, [this] { take(); });
}

void Thoughts::take() {
  {
    const std::lock_guard lock(mutex_);
    taken_.splice_after(taken_.last(), done_);
  }
  try {
    while (!taken_.empty()) {
      const std::unique_ptr<Thought> thought(static_cast<Thought*>(&taken_.front()));
      taken_.pop_front();
      answered_(thought->seat, std::move(thought->step));
    }
  } catch (...) {  // no memory: one answer is lost, the others are not
    boost::asio::post(context_, [this] { take(); });
    throw;
  }
  settled_();
}

}  // namespace deferd::smtp
