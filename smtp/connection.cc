#include "smtp/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "smtp/proxy_header.h"
#include "smtp/reply.h"

namespace deferd::smtp {

namespace {

using State = Connection::State;
using Until = ConnectionOwner::Until;

constexpr std::size_t kPiece = 8192;            // one read
constexpr std::size_t kTurn = 16 * kPiece;      // then others have their turn
constexpr std::size_t kKeptCapacity = 512;      // of a reply's buffer
constexpr std::chrono::seconds kHeaderTime{5};  // for a PROXY header
constexpr std::chrono::seconds kLinger{5};
constexpr std::chrono::seconds kLedIdle{60};  // while the MTA is kept waiting for the client's next line

std::string timed_out() { return format_reply(421, "4.4.2", "Timeout"); }

bool is_slow(State state) { return state == State::delayed || state == State::stuttering; }

}  // namespace

Connection::Connection(ConnectionOwner& owner, int descriptor, std::shared_ptr<const SmtpConfig> config)
    : owner_(owner), config_(std::move(config)), plain_(descriptor), began_(owner.now()) {}

Connection::~Connection() { owner_.wheel().cancel(*this); }

void Connection::become(State state) {
  if (is_slow(state) != is_slow(state_)) owner_.slowed(*this, is_slow(state) ? 1 : -1);
  state_ = state;
}

void Connection::limit(std::chrono::seconds time) { owner_.wheel().set(*this, std::min(owner_.now() + time, session_end())); }

SteadyTime Connection::session_end() const { return began_ + (held_ ? config_->limits.kept_session : config_->limits.session); }

std::chrono::seconds Connection::patience() const {
  return at_mta_ ? std::min(config_->limits.idle, kLedIdle) : config_->limits.idle;
}

void Connection::wait(const Moved& moved) {
  owner_.wait(*this, moved.state == Moved::State::wait_write ? Until::writable : Until::readable);
}

void Connection::start(Session known, bool proxied) {
  if (proxied) {
    known_ = std::make_unique<Session>(std::move(known));
    become(State::header);
    limit(kHeaderTime);
    go_on();
    return;
  }
  open(std::move(known));
  go_on();
}

void Connection::open(Session known) {
  session_ = owner_.open(*this, std::move(known));
  if (!session_) return close();
  take(session_->greet(), false);
}

void Connection::go_on() {
  std::size_t budget = kTurn;
  for (bool moving = true; moving;) switch (state_) {
      case State::header:
        moving = read_header(budget);
        break;
      case State::reading:
        moving = read_line(budget);
        break;
      case State::sending:
        moving = send();
        break;
      case State::handshake:
        moving = shake_hands();
        break;
      case State::lingering:
        moving = discard();
        break;
      case State::thinking:
      case State::delayed:
      case State::stuttering:
      case State::handed_over:
      case State::over:
        return;
    }
}

void Connection::ready(bool ended) {
  readable_ = true;
  if (ended) ended_ = true;
  go_on();
}

void Connection::due() {
  switch (state_) {
    case State::delayed:
      begin_reply(false);
      return go_on();
    case State::stuttering:
      return stutter();
    case State::reading:
      return finish(timed_out());
    default:
      return close();
  }
}

void Connection::answered(Step step) {
  if (!finishing_) {
    take(std::move(step), true);
    return go_on();
  }
  const auto farewell = std::exchange(reply_, std::move(step.reply));
  then_ = step.then;
  become(State::sending);
  finish(farewell);
}

// ---- reading

bool Connection::read(std::size_t& budget) {
  // A plain socket that gave less than was asked for has nothing more; TLS may still hold some.
  if (budget == 0 || (!readable_ && !encrypted_)) {
    owner_.wait(*this, budget == 0 ? Until::next_turn : Until::readable);
    return false;
  }
  std::array<char, kPiece> piece;
  const auto got = transport().read(piece);
  switch (got.state) {
    case Moved::State::ok:
      readable_ = ended_ || got.bytes == piece.size();
      budget -= std::min(budget, got.bytes);
      reader_.feed({piece.data(), got.bytes});
      return true;
    case Moved::State::wait_read:
    case Moved::State::wait_write:
      readable_ = false;
      wait(got);
      return false;
    case Moved::State::closed:
    case Moved::State::failed:
      break;
  }
  close();
  return false;
}

bool Connection::read_header(std::size_t& budget) {
  const auto header = parse_proxy_header(reader_.pending());
  if (!header) {
    close();
    return false;
  }
  if (!*header) return read(budget);
  owner_.wheel().cancel(*this);
  const std::string rest(reader_.pending().substr((*header)->size));
  reader_.clear();
  reader_.feed(rest);
  auto known = std::move(*known_);
  known_.reset();
  if (!(*header)->local) {
    known.client = (*header)->client;
    known.client_port = (*header)->client_port;
    known.local = (*header)->local_address;
    known.local_port = (*header)->local_port;
  }
  open(std::move(known));
  return true;
}

bool Connection::read_line(std::size_t& budget) {
  const auto longest = session_->line_limit();
  const auto line = reader_.next(longest);
  if (!line) {
    // For the whole line: a byte now and then does not prolong it.
    if (!waiting()) limit(patience());
    return read(budget);
  }
  owner_.wheel().cancel(*this);
  // PIPELINING is never offered: after a command (not a line of a message) there is nothing to say before our reply.
  if (longest == LineReader::kCommandLimit && !reader_.pending().empty()) session_->spoke_early(false);
  take(session_->line(*line), false);
  return true;
}

// ---- replies

void Connection::take(Step step, bool decided) {
  if (step.ask) {
    become(State::thinking);
    return owner_.think(*this);
  }
  if (!held_ && session_->held()) {
    held_ = true;
    if (config_->window > 0) ::setsockopt(descriptor(), SOL_SOCKET, SO_RCVBUF, &config_->window, sizeof config_->window);
    owner_.holding(*this);
  }
  if (at_mta_ && !session_->with_mta()) {
    at_mta_ = false;
    owner_.leave_mta(*this);
  }
  then_ = step.then;
  reply_ = std::move(step.reply);
  sent_ = 0;
  if (then_ == Step::Then::start_tls) return begin_tls();
  begin_reply(decided);
}

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

bool Connection::spoke_early() const {
  char byte;
  return !reader_.pending().empty() || ::recv(descriptor(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
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

bool Connection::send() {
  if (!greeted_ && spoke_early()) session_->spoke_early(true);
  greeted_ = true;
  while (sent_ < reply_.size()) {
    const auto moved = transport().write(std::string_view(reply_).substr(sent_));
    switch (moved.state) {
      case Moved::State::ok:
        sent_ += static_cast<std::uint32_t>(moved.bytes);
        owner_.wheel().cancel(*this);
        break;
      case Moved::State::wait_read:
      case Moved::State::wait_write:
        if (!waiting()) limit(patience());
        wait(moved);
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
      become(State::handshake);
      return limit(config_->limits.idle);
    case Step::Then::hand_over:
      return hand_over();
    case Step::Then::go_on:
      return become(State::reading);
  }
}

// ---- TLS, hand-over

void Connection::begin_tls() {
  if (auto context = owner_.start_tls(*this)) {
    tls_ = std::make_unique<TlsTransport>(std::move(context), descriptor());
  } else {
    then_ = Step::Then::go_on;
    reply_ = format_reply(454, "4.7.0", "TLS is not available at present");
  }
  begin_reply(false);
}

// Says goodbye, if there is anybody to say it to.
void Connection::end_tls() {
  encrypted_ = false;
  tls_.reset();
}

bool Connection::shake_hands() {
  const auto moved = tls_->handshake();
  switch (moved.state) {
    case Moved::State::ok:
      owner_.wheel().cancel(*this);
      session_->tls_started(tls_->verified_subject());
      become(State::reading);
      return true;
    case Moved::State::wait_read:
    case Moved::State::wait_write:
      wait(moved);
      return false;
    case Moved::State::closed:
    case Moved::State::failed:
      break;
  }
  close();
  return false;
}

void Connection::hand_over() {
  at_mta_ = true;
  joined_ = session_->mta_order().what == MtaOrder::What::join;
  become(State::handed_over);
  owner_.hand_over(*this);
}

void Connection::mta_answered(MtaAnswer answer) {
  readable_ = true;
  if (answer.unread) {
    reader_.clear();
    reader_.feed(*answer.unread);
  }
  cut_ = answer.cut;
  take(session_->mta_answered(std::move(answer)), false);
  go_on();
}

void Connection::mta_failed() {
  readable_ = true;
  at_mta_ = joined_ = false;
  cut_ = session_->mta_order().what == MtaOrder::What::message;
  take(session_->mta_failed(), false);
  go_on();
}

void Connection::mta_over() { close(); }

// ---- the end

void Connection::finish(std::string_view farewell) {
  switch (state_) {
    case State::thinking:
      if (joined_) return;
      reply_ = farewell;
      finishing_ = true;
      return;
    case State::handed_over:
    case State::over:
      return;
    case State::header:
    case State::handshake:
    case State::lingering:
      return close();
    case State::reading:
    case State::delayed:
    case State::stuttering:
    case State::sending:
      break;
  }
  // Its last reply is a farewell already.
  if (reply_.empty() || then_ != Step::Then::hang_up) reply_ += farewell;
  static_cast<void>(transport().write(std::string_view(reply_).substr(sent_)));
  close();
}

void Connection::hang_up() {
  owner_.wheel().cancel(*this);
  // Closing with something unread, or when more is to come, makes the system reset the connection, and the client may never see
  // our last words. Many read nothing before they have sent their message.
  if (!held_ && !cut_ && !spoke_early()) return close();
  end_tls();
  ::shutdown(descriptor(), SHUT_WR);
  reader_.clear();
  become(State::lingering);
  owner_.wheel().set(*this, owner_.now() + (cut_ ? config_->limits.idle : kLinger));
}

bool Connection::discard() {
  std::array<char, kPiece> piece;
  const auto got = plain_.read(piece);
  // One piece at a time, so that one who sends much has its turn and no more.
  if (got.state == Moved::State::ok)
    owner_.wait(*this, ended_ || got.bytes == piece.size() ? Until::next_turn : Until::readable);
  else if (got.state == Moved::State::wait_read)
    wait(got);
  else
    close();
  return false;
}

void Connection::close() {
  if (state_ == State::over) return;
  owner_.wheel().cancel(*this);
  end_tls();
  become(State::over);
  owner_.over(*this);
}

}  // namespace deferd::smtp
