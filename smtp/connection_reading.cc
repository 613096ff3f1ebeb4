// What a connection hears.
#include <algorithm>
#include <array>
#include <string>

#include "smtp/connection.h"
#include "smtp/proxy_header.h"

namespace deferd::smtp {

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
  if (owner_.now() >= session_end()) {  // of one who is never waited for
    finish(timed_out());
    return false;
  }
  // PIPELINING is never offered: after a command (not a line of a message) there is nothing to say before our reply.
  if (longest == LineReader::kCommandLimit && !reader_.pending().empty()) session_->spoke_early(false);
  take(session_->line(*line), false);
  return true;
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

}  // namespace deferd::smtp
