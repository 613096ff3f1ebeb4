#include "smtp/message_relay.h"

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <utility>
#include <vector>

#include "smtp/mta_reply.h"

namespace deferd::smtp {

namespace net = boost::asio;
using boost::system::error_code;
using std::chrono::steady_clock;
using How = MessageRelay::Result::How;

namespace {

/// So that one busy client does not keep the others of its thread waiting.
constexpr int kPiecesATurn = 16;

bool must_wait(Moved::State state) { return state == Moved::State::wait_read || state == Moved::State::wait_write; }

}  // namespace

MessageRelay::MessageRelay(net::io_context& context, net::posix::stream_descriptor& client, Transport& transport,
                           MtaCall::Socket& mta, const Limits& limits, Done done)
    : context_(context),
      client_(client),
      transport_(transport),
      mta_(mta),
      mta_transport_(mta.native_handle()),
      limits_(limits),
      timer_(context),
      moved_(steady_clock::now()),
      done_(std::move(done)) {}

std::shared_ptr<MessageRelay> MessageRelay::start(net::io_context& context, net::posix::stream_descriptor& client,
                                                  Transport& transport, std::string_view unread, MtaCall::Socket& mta,
                                                  const Limits& limits, Done done) {
  std::shared_ptr<MessageRelay> relay(new MessageRelay(context, client, transport, mta, limits, std::move(done)));
  net::post(context, [relay, first = std::string(unread)] {
    if (!relay->done_) return;
    relay->watch();
    if (relay->take(first)) relay->pump();
  });
  return relay;
}

void MessageRelay::pump() {
  if (!done_ || !hear()) return;
  for (int piece = 0; piece < kPiecesATurn; ++piece)
    if (!deliver() || complete_ || !read()) return;
  net::post(context_, [self = shared_from_this()] { self->pump(); });
}

// The MTA speaks when it has all, or to refuse what it hears.
bool MessageRelay::hear() {
  for (std::array<char, 1024> piece;;) {
    const auto moved = mta_transport_.read(piece);
    if (must_wait(moved.state)) {
      wait_for_mta(false);
      return true;
    }
    if (moved.state != Moved::State::ok) return finish(How::mta_gone);
    result_.reply.append(piece.data(), moved.bytes);
    const auto reply = first_reply(result_.reply);
    if (reply.code == 0) continue;
    if (reply.code < 0) return finish(How::mta_gone);
    // A word more than this answer (421, say) takes nothing back.
    result_.reply.resize(reply.size);
    result_.code = reply.code;
    if (complete_ && out_.empty()) return finish(How::answered);
    return finish(reply.code >= 400 ? How::early : How::mta_gone);
  }
}

bool MessageRelay::deliver() {
  while (sent_ < out_.size()) {
    const auto moved = mta_transport_.write(std::string_view(out_).substr(sent_));
    if (must_wait(moved.state)) {
      wait_for_mta(true);
      return false;
    }
    // It may have said why before it hung up; then hear() tells.
    if (moved.state != Moved::State::ok) return hear() && finish(How::mta_gone);
    sent_ += moved.bytes;
    result_.bytes += moved.bytes;
    moved_ = steady_clock::now();
  }
  out_ = {};
  sent_ = 0;
  return true;
}

bool MessageRelay::read() {
  thread_local std::vector<char> piece(kPiece);
  const auto moved = transport_.read(piece);
  if (must_wait(moved.state)) {
    wait_for_client(moved.state == Moved::State::wait_write);
    return false;
  }
  if (moved.state != Moved::State::ok) return finish(How::client_gone);
  moved_ = steady_clock::now();
  return take({piece.data(), moved.bytes});
}

bool MessageRelay::take(std::string_view bytes) {
  kept_ += bytes;
  const auto seen = end_.look(kept_);
  if (seen.found == MessageEnd::Found::doubt) return finish(How::doubtful);
  auto rest = kept_.substr(seen.size);
  kept_.resize(seen.size);
  out_ = std::exchange(kept_, {});
  if (seen.found == MessageEnd::Found::end) {
    complete_ = true;
    result_.unread = std::move(rest);
  } else {
    kept_ = std::move(rest);
  }
  return true;
}

void MessageRelay::wait_for_client(bool to_write) {
  if (std::exchange(awaits_client_, true)) return;
  client_.async_wait(to_write ? net::posix::stream_descriptor::wait_write : net::posix::stream_descriptor::wait_read,
                     [self = shared_from_this()](error_code error) {
                       self->awaits_client_ = false;
                       if (!error) self->pump();
                     });
}

void MessageRelay::wait_for_mta(bool to_write) {
  if (std::exchange(to_write ? awaits_mta_writing_ : awaits_mta_reading_, true)) return;
  mta_.async_wait(to_write ? MtaCall::Socket::wait_write : MtaCall::Socket::wait_read,
                  [self = shared_from_this(), to_write](error_code error) {
                    (to_write ? self->awaits_mta_writing_ : self->awaits_mta_reading_) = false;
                    if (!error) self->pump();
                  });
}

// Who has sent all waits for the MTA alone.
steady_clock::time_point MessageRelay::due() const {
  const auto idle = moved_ + limits_.idle;
  return complete_ ? idle : std::min(idle, limits_.end);
}

void MessageRelay::watch() {
  timer_.expires_at(due());
  timer_.async_wait([self = shared_from_this()](error_code error) {
    if (error || !self->done_) return;
    const auto now = steady_clock::now();
    if (now < self->due()) return self->watch();
    if (now < self->moved_ + self->limits_.idle) {
      self->finish(How::too_slow);
      return;
    }
    self->finish(self->complete_ || !self->out_.empty() ? How::mta_gone : How::client_gone);
  });
}

bool MessageRelay::finish(Result::How how) {
  const bool has_all = complete_ && out_.empty();
  result_.how = how == How::mta_gone && has_all ? How::unanswered : how;
  const auto done = std::exchange(done_, nullptr);
  let_go();
  if (done) done(result_);
  return false;
}

void MessageRelay::stop() {
  if (std::exchange(done_, nullptr)) let_go();
}

void MessageRelay::let_go() {
  error_code ignored;
  timer_.cancel();
  client_.cancel(ignored);
  mta_.cancel(ignored);
}

}  // namespace deferd::smtp
