#include "smtp/mta_call.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <system_error>

namespace deferd::smtp {

namespace net = boost::asio;
using boost::system::error_code;

namespace {

net::generic::stream_protocol::endpoint endpoint_of(const SmtpAddress& where) {
  if (where.is_unix()) return net::local::stream_protocol::endpoint(where.path);
  const auto bytes = where.tcp.address.bytes();
  net::ip::address address;
  if (where.tcp.address.is_v4()) {
    net::ip::address_v4::bytes_type v4;
    std::copy(bytes.begin(), bytes.end(), v4.begin());
    address = net::ip::address_v4(v4);
  } else {
    net::ip::address_v6::bytes_type v6;
    std::copy(bytes.begin(), bytes.end(), v6.begin());
    address = net::ip::address_v6(v6);
  }
  return net::ip::tcp::endpoint(address, where.tcp.port);
}

}  // namespace

MtaCall::MtaCall(net::io_context& context, MtaScript script, const MtaPatience& patience, Done done)
    : socket_(context),
      timer_(context),
      proxied_(script.with == HandoverConfig::With::proxy_v2),
      patience_(patience),
      client_(std::move(script)),
      done_(std::move(done)) {}

std::shared_ptr<MtaCall> MtaCall::start(net::io_context& context, const SmtpAddress& where, MtaScript script,
                                        const MtaPatience& patience, Done done) {
  std::shared_ptr<MtaCall> call(new MtaCall(context, std::move(script), patience, std::move(done)));
  net::post(context, [call, where] { call->connect(where); });
  return call;
}

void MtaCall::cancel() {
  done_ = nullptr;
  error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
}

void MtaCall::wait(std::chrono::milliseconds time) {
  timer_.expires_after(time);
  timer_.async_wait([self = shared_from_this()](error_code error) {
    if (error || self->client_.done()) return;
    self->client_.give_up(MtaResult::Outcome::late);
    self->finish();
  });
}

void MtaCall::connect(const SmtpAddress& where) {
  if (!done_) return;
  const auto endpoint = endpoint_of(where);
  const int family = endpoint.protocol().family();
  const int descriptor = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  error_code error;
  if (descriptor < 0)
    error.assign(errno, boost::system::system_category());
  else
    socket_.assign(net::generic::stream_protocol(family, 0), descriptor, error);
  if (error) {
    client_.give_up(MtaResult::Outcome::ended, error.message());
    finish();
    return;
  }
  wait(patience_.connect);
  socket_.async_connect(endpoint, [self = shared_from_this()](error_code failed) {
    if (!self->done_ || self->client_.done()) return;
    if (!failed) return self->connected();
    self->client_.give_up(MtaResult::Outcome::ended, failed.message());
    self->finish();
  });
}

void MtaCall::connected() {
  const int on = 1;
  ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // a unix socket has none and needs none
  if (proxied_ && patience_.listen_first.count() > 0)
    listen_first();
  else
    speak();
}

void MtaCall::listen_first() {
  timer_.expires_after(patience_.listen_first);
  timer_.async_wait([self = shared_from_this()](error_code error) {
    if (error || !self->done_ || self->client_.done()) return;
    error_code ignored;
    self->socket_.cancel(ignored);  // of the wait below
    self->speak();
  });
  socket_.async_wait(Socket::wait_read, [self = shared_from_this()](error_code error) {
    if (error || !self->done_ || self->speaking_ || self->client_.done()) return;
    char byte = 0;
    const bool spoke = ::recv(self->socket_.native_handle(), &byte, 1, MSG_PEEK) > 0;
    self->client_.give_up(spoke ? MtaResult::Outcome::out_of_step : MtaResult::Outcome::ended, "it hung up");
    self->finish();
  });
}

void MtaCall::speak() {
  speaking_ = true;
  send(client_.start());
}

/// Sends, then reads on until the client has something to say again or is done.
void MtaCall::send(std::string bytes) {
  sending_ = std::move(bytes);
  wait(client_.result().stage == MtaStage::rcpt ? patience_.rcpt : patience_.reply);
  net::async_write(socket_, net::buffer(sending_), [self = shared_from_this()](error_code error, std::size_t) {
    if (!self->done_ || self->client_.done()) return;
    if (!error) return self->read();
    self->client_.give_up(MtaResult::Outcome::ended);
    self->finish();
  });
}

void MtaCall::read() {
  socket_.async_read_some(net::buffer(arrived_), [self = shared_from_this()](error_code error, std::size_t size) {
    if (!self->done_ || self->client_.done()) return;
    std::string next;
    if (error)
      self->client_.give_up(MtaResult::Outcome::ended);
    else
      next = self->client_.receive({self->arrived_.data(), size});
    if (self->client_.done()) return self->finish();
    if (next.empty()) return self->read();
    self->send(std::move(next));
  });
}

void MtaCall::finish() {
  timer_.cancel();
  if (!client_.result().answered()) {
    error_code ignored;
    socket_.close(ignored);
  }
  if (auto done = std::exchange(done_, nullptr)) done(client_.result(), std::move(socket_));
}

}  // namespace deferd::smtp
