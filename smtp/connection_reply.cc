// How a connection says what it has to say: at once, or at its session's pace.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "smtp/connection.h"

namespace deferd::smtp {

namespace {

constexpr std::size_t kKeptCapacity = 512;  // of a reply's buffer
constexpr std::chrono::seconds kTryAgain{1};

}  // namespace

bool Connection::stutters(SteadyTime now) const {
  const auto& pace = session_->pace();
  return pace.per_byte.count() > 0 && (pace.during.count() == 0 || now - began_ < pace.during);
}

void Connection::begin_reply(bool decided) {
  if (reply_.empty()) return reply_is_out();
  const auto now = owner_.now();
  const Pace& pace = session_->pace();
  progress_ = now;
  if (decided && pace.delay.count() > 0) {
    become(State::delayed);
    owner_.wheel().set(*this, now + pace.delay);
  } else if (stutters(now)) {
    become(State::stuttering);
    owner_.wheel().set(*this, now + pace.per_byte);
    session_->rest();
    reader_.shrink();
    reply_.shrink_to_fit();
  } else {
    become(State::sending);
  }
}

/// Whether it has said something that nobody has read yet. Who has not need not be read from before the socket tells of more.
bool Connection::spoke_early() {
  if (!reader_.pending().empty()) return true;
  char byte;
  const auto got = ::recv(descriptor(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) readable_ = false;
  return got > 0;
}

void Connection::stutter() {
  const auto now = owner_.now();
  if (now >= session_end()) return finish(timed_out());
  if (!stutters(now)) {
    become(State::sending);
    return go_on();
  }
  std::string_view piece = std::string_view(reply_).substr(sent_);
  piece = piece.substr(0, piece.starts_with("\r\n") ? 2 : 1);
  if (sent_ + piece.size() == reply_.size() && spoke_early()) session_->spoke_early(!greeted_);
  const auto moved = transport().write(piece);
  switch (moved.state) {
    case Moved::State::ok:
      sent_ += static_cast<std::uint32_t>(moved.bytes);
      progress_ = now;
      owner_.stuttered(moved.bytes);
      break;
    case Moved::State::wait_read:
    case Moved::State::wait_write:
      if (now - progress_ >= config_->limits.idle) return close();
      break;
    case Moved::State::closed:
    case Moved::State::failed:
      return close();
  }
  if (sent_ < reply_.size()) return owner_.wheel().set(*this, now + session_->pace().per_byte);
  reply_is_out();
  go_on();
}

/// Not only for the socket to be ready: what failed for want of the system's memory (ENOBUFS) goes as soon as there is some, and
/// nothing tells when.
void Connection::wait_to_move(const Moved& moved, std::chrono::seconds most) {
  const auto now = owner_.now();
  const auto end = std::min(progress_ + most, session_end());
  if (now >= end) return close();
  owner_.wheel().set(*this, moved.state == Moved::State::wait_write ? std::min(now + kTryAgain, end) : end);
  wait(moved);
}

bool Connection::send() {
  if (!greeted_ && spoke_early()) session_->spoke_early(true);
  greeted_ = true;
  while (sent_ < reply_.size()) {
    const auto left = std::string_view(reply_).substr(sent_);
    const auto moved = then_ == Step::Then::hang_up ? transport().write_last(left) : transport().write(left);
    switch (moved.state) {
      case Moved::State::ok:
        sent_ += static_cast<std::uint32_t>(moved.bytes);
        if (sent_ < reply_.size()) progress_ = owner_.now();
        break;
      case Moved::State::wait_read:
      case Moved::State::wait_write:
        wait_to_move(moved, patience());
        return false;
      case Moved::State::closed:
      case Moved::State::failed:
        close();
        return false;
    }
  }
  owner_.wheel().cancel(*this);
  reply_is_out();
  return true;
}

void Connection::reply_is_out() {
  reply_.clear();
  if (reply_.capacity() > kKeptCapacity) reply_.shrink_to_fit();
  sent_ = 0;
  greeted_ = true;
  switch (then_) {
    case Step::Then::hang_up:
      return hang_up();
    case Step::Then::start_tls:
      reader_.clear();  // what came before the handshake was not protected by it: RFC 3207 section 4.2
      encrypted_ = true;
      progress_ = owner_.now();
      return become(State::handshake);
    case Step::Then::hand_over:
      return hand_over();
    case Step::Then::go_on:
      return become(State::reading);
  }
}

}  // namespace deferd::smtp
