#include "smtp/splice.h"

#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <span>
#include <utility>
#include <vector>

namespace deferd::smtp {

namespace net = boost::asio;
using boost::system::error_code;
using std::chrono::steady_clock;

namespace {

/// So that one busy client does not keep the others of its thread waiting.
constexpr int kPiecesATurn = 16;

/// One a thread: bytes that go through at once need no memory of their own.
std::span<char> scratch(std::size_t size) {
  thread_local std::vector<char> bytes(size);
  return bytes;
}

}  // namespace

Splice::Splice(net::io_context& context, SpliceEnds ends, const SpliceLimits& limits, Told told)
    : context_(context),
      mta_descriptor_(context, ends.mta),
      mta_transport_(ends.mta),
      client_{ends.client, ends.transport},
      mta_{mta_descriptor_, mta_transport_},
      to_mta_{client_, mta_, std::move(ends.to_mta), total_.to_mta},
      to_client_{mta_, client_, std::move(ends.to_client), total_.to_client},
      limits_(limits),
      timer_(context),
      moved_(steady_clock::now()),
      messages_(std::move(ends.watch)),
      told_(std::move(told)) {
  total_.to_mta = to_mta_.backlog.size();
  total_.to_client = to_client_.backlog.size();
  note(to_client_, to_client_.backlog);
  note(to_mta_, to_mta_.backlog);
}

std::shared_ptr<Splice> Splice::start(net::io_context& context, SpliceEnds ends, const SpliceLimits& limits, Told told) {
  std::shared_ptr<Splice> splice(new Splice(context, std::move(ends), limits, std::move(told)));
  net::post(context, [splice] {
    if (splice->over_) return;
    splice->watch(splice->limits_.idle);
    splice->pump();
  });
  return splice;
}

void Splice::note(const Way& way, std::string_view bytes) {
  if (!messages_) return;
  if (&way == &to_mta_)
    messages_->client_says(bytes);
  else
    messages_->mta_says(bytes);
}

void Splice::turn() {
  net::post(context_, [self = shared_from_this()] { self->pump(); });
}

void Splice::resume() {
  paused_ = false;
  turn();
}

void Splice::pump() {
  if (over_ || paused_) return;
  const auto to_client = advance(to_client_);
  const auto to_mta = advance(to_mta_);
  if (to_client == Next::broken || to_mta == Next::broken || (to_client == Next::over && to_mta == Next::over))
    return finish(total_.end);
  if (messages_ && messages_->has_message() && to_client_.backlog.empty()) {
    paused_ = true;
    return told_.taken(messages_->take());
  }
  if (to_client == Next::has_more || to_mta == Next::has_more) turn();
}

/// Gives `bytes` to whom the way leads to, as far as that takes them; what is left stays in `bytes`. More: all is out.
Splice::Next Splice::deliver(Way& way, std::string_view& bytes) {
  while (!bytes.empty() && !way.nowhere) {
    const auto moved = way.to.transport.write(bytes);
    if (moved.state == Moved::State::wait_read || moved.state == Moved::State::wait_write) return wait(way.to, moved.state);
    if (moved.state == Moved::State::ok) {
      bytes.remove_prefix(moved.bytes);
      moved_ = steady_clock::now();
    } else {
      way.nowhere = true;
    }
  }
  bytes = {};
  return Next::has_more;
}

/// What was read before and not yet taken, then the end. Over: that was passed on.
Splice::Next Splice::drain(Way& way) {
  if (!way.backlog.empty()) {
    auto bytes = std::string_view(way.backlog).substr(way.taken);
    const auto next = deliver(way, bytes);
    way.taken = way.backlog.size() - bytes.size();
    if (next == Next::waits) return next;
    way.taken = 0;
    way.backlog = {};
  }
  if (!way.ended) return Next::has_more;
  if (!std::exchange(way.told, true) && !way.nowhere) {
    way.to.transport.say_end();
    ::shutdown(way.to.descriptor.native_handle(), SHUT_WR);
  }
  return Next::over;
}

Splice::Next Splice::advance(Way& way) {
  if (const auto next = drain(way); next != Next::has_more) return next;
  for (int piece = 0; piece < kPiecesATurn; ++piece) {
    if (messages_ && messages_->has_message()) return Next::waits;  // for resume()
    const auto into = scratch(kPiece);
    const auto moved = way.from.transport.read(into);
    if (moved.state == Moved::State::wait_read || moved.state == Moved::State::wait_write) return wait(way.from, moved.state);
    if (moved.state != Moved::State::ok) return end(way, moved.state);
    way.bytes += moved.bytes;
    if (!way.nowhere) moved_ = steady_clock::now();
    std::string_view bytes(into.data(), moved.bytes);
    note(way, bytes);
    if (deliver(way, bytes) == Next::waits) {
      way.backlog = bytes;
      return Next::waits;
    }
  }
  return Next::has_more;
}

/// Nothing more comes from whom the way leads from.
Splice::Next Splice::end(Way& way, Moved::State state) {
  const bool by_client = &way == &to_mta_;
  if (total_.end.empty()) total_.end = by_client ? "client" : "mta";
  if (by_client && state == Moved::State::failed) return Next::broken;
  way.ended = true;
  if (!by_client) watch(limits_.linger);
  return drain(way);
}

Splice::Next Splice::wait(End& end, Moved::State state) {
  const bool to_write = state == Moved::State::wait_write;
  bool& awaits = to_write ? end.awaits_write : end.awaits_read;
  if (!std::exchange(awaits, true))
    end.descriptor.async_wait(to_write ? net::posix::stream_descriptor::wait_write : net::posix::stream_descriptor::wait_read,
                              [self = shared_from_this(), &awaits](error_code error) {
                                awaits = false;
                                if (!error) self->pump();
                              });
  return Next::waits;
}

void Splice::watch(std::chrono::milliseconds limit) {
  timer_.expires_at(moved_ + limit);
  timer_.async_wait([self = shared_from_this(), limit](error_code error) {
    if (error || self->over_) return;
    if (self->paused_) self->moved_ = steady_clock::now();
    if (steady_clock::now() < self->moved_ + limit) return self->watch(limit);
    self->finish(self->total_.end.empty() ? "idle" : self->total_.end);
  });
}

void Splice::finish(std::string_view why) {
  if (over_) return;
  total_.end = why;
  let_go();
  told_.ended(total_);
}

void Splice::stop() {
  if (!over_) let_go();
}

void Splice::let_go() {
  over_ = true;
  error_code ignored;
  timer_.cancel();
  client_.descriptor.cancel(ignored);
  mta_descriptor_.close(ignored);
}

}  // namespace deferd::smtp
