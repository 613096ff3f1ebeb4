#include "smtp/mta_talk.h"

#include <sys/socket.h>

#include <boost/asio/write.hpp>
#include <utility>

#include "smtp/mta_reply.h"

namespace deferd::smtp {

namespace net = boost::asio;
using boost::system::error_code;

MtaTalk::MtaTalk(MtaCall::Socket socket) : socket_(std::move(socket)), timer_(socket_.get_executor()) {}

void MtaTalk::ask(std::string line, std::chrono::milliseconds patience, Answered answered) {
  answered_ = std::move(answered);
  sending_ = std::move(line);
  reply_.clear();
  timer_.expires_after(patience);
  timer_.async_wait([self = shared_from_this()](error_code error) {
    if (!error && self->answered_) self->finish(0);
  });
  net::async_write(socket_, net::buffer(sending_), [self = shared_from_this()](error_code error, std::size_t) {
    if (!self->answered_) return;
    if (error)
      self->finish(0);
    else
      self->read();
  });
}

void MtaTalk::read() {
  socket_.async_read_some(net::buffer(arrived_), [self = shared_from_this()](error_code error, std::size_t size) {
    if (!self->answered_) return;
    if (error) return self->finish(0);
    self->reply_.append(self->arrived_.data(), size);
    const auto reply = first_reply(self->reply_);
    if (reply.code == 0) return self->read();
    self->finish(reply.size == self->reply_.size() ? reply.code : 0);
  });
}

void MtaTalk::finish(int code) {
  timer_.cancel();
  error_code ignored;
  if (code <= 0) socket_.close(ignored);
  if (const auto answered = std::exchange(answered_, nullptr)) answered(std::max(code, 0), std::move(reply_));
}

void MtaTalk::end(bool politely) {
  constexpr std::string_view kQuit = "QUIT\r\n";
  answered_ = nullptr;
  timer_.cancel();
  if (!socket_.is_open()) return;
  if (politely) static_cast<void>(::send(socket_.native_handle(), kQuit.data(), kQuit.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace deferd::smtp
