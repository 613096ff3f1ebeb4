#include "smtp/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "smtp/reply.h"

namespace deferd::smtp {

namespace {

constexpr std::chrono::seconds kHeaderTime{5};  // for a PROXY header
constexpr std::chrono::seconds kLinger{5};
constexpr std::chrono::seconds kLedIdle{60};  // while the MTA is kept waiting for the client's next line

bool is_slow(Connection::State state) { return state == Connection::State::delayed || state == Connection::State::stuttering; }

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

void Connection::start(Session&& known, bool proxied) {
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

void Connection::open(Session&& known) {
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
    case State::sending:
    case State::handshake:
      return go_on();
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
      wait_to_move(moved, config_->limits.idle);
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

std::string Connection::timed_out() { return format_reply(421, "4.4.2", "Timeout"); }

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
  // our last words. Many read nothing before they have sent their message. What answers these words is no concern of ours.
  if (held_ || cut_ || spoke_early()) {
    end_tls();
    reader_.clear();
    become(State::lingering);
    owner_.wheel().set(*this, owner_.now() + (cut_ ? config_->limits.idle : kLinger));
  } else {
    close();
  }
  ::shutdown(descriptor(), SHUT_WR);  // at last: who hears the end may come again at once, and must not be counted twice
}

void Connection::close() {
  if (state_ == State::over) return;
  owner_.wheel().cancel(*this);
  end_tls();
  become(State::over);
  owner_.over(*this);
}

}  // namespace deferd::smtp
