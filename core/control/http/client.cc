#include "http/client.h"

#include <boost/asio/co_spawn.hpp>
#include <exception>

#include "http/wire.h"
#include "net/listener.h"

namespace deferd {
namespace {

constexpr std::size_t kBodyLimit = 16 * 1024 * 1024;

using ResponseParser = http::response_parser<http::string_body>;

Error connect_error(const std::string& path, const beast::error_code& error) {
  if (error == beast::error::timeout) return {Errc::busy, path + ": nobody accepts the connection in time"};
  if (error == net::error::access_denied) return {Errc::io, path + ": permission denied"};
  return {Errc::unavailable, path + ": " + error.message()};
}

Error answer_error(const std::string& path, const beast::error_code& error) {
  if (error == beast::error::timeout) return {Errc::busy, path + ": no answer in time"};
  const bool ended = error == http::error::end_of_stream || error == http::error::partial_message;
  if (is_http_error(error) && !ended) return {Errc::io, path + ": this is no answer of deferd: " + error.message()};
  return {Errc::io, path + ": the answer broke off: the daemon ended, or could not go on (see its log)"};
}

class Exchange {
 public:
  Exchange(const std::string& path, const HttpCall& call, const TakePiece& take) : path_(path), call_(call), take_(take) {}

  Result<HttpAnswer> run() {
    std::exception_ptr thrown;
    net::co_spawn(io_, talk(), [&](std::exception_ptr failure) { thrown = failure; });
    io_.run();
    if (thrown) std::rethrow_exception(thrown);
    if (failure_) return tl::unexpected(connected_ ? answer_error(path_, failure_) : connect_error(path_, failure_));
    if (too_long_) return fail(Errc::io, path_ + ": the answer is too long");
    return std::move(answer_);
  }

 private:
  net::awaitable<void> talk() {
    wait_again();
    if (auto [error] = co_await stream_.async_connect(Protocol::endpoint(path_), kAwait); error) {
      failure_ = error;
      co_return;
    }
    connected_ = true;
    std::string head = call_.method + ' ' + call_.target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    if (call_.method != "GET")
      head += "Content-Type: application/json\r\nContent-Length: " + std::to_string(call_.body.size()) + "\r\n";
    head += "\r\n";
    wait_again();
    // A server that refuses a request may close before it was sent whole; its answer tells why.
    auto [unsent, written] = co_await net::async_write(stream_, packet(head, call_.body, {}), kAwait);
    if (unsent == beast::error::timeout)
      failure_ = unsent;
    else
      failure_ = co_await receive();
  }

  net::awaitable<beast::error_code> receive() {
    beast::flat_buffer buffer(2 * kPacketBytes);
    ResponseParser parser;
    parser.body_limit(boost::none);
    MessageReader<ResponseParser> reader(stream_, buffer, parser);
    while (!parser.is_done()) {
      wait_again();
      if (auto error = co_await reader.step()) co_return error;
      if (!parser.is_header_done()) continue;
      if (answer_.status == 0) {
        answer_.status = static_cast<int>(parser.get().result_int());
        answer_.content_type = std::string(parser.get()[http::field::content_type]);
      }
      std::string& body = parser.get().body();
      if (!taken(body)) break;
      body.clear();
    }
    co_return beast::error_code();
  }

  bool taken(std::string_view piece) {
    if (take_ && answer_.status / 100 == 2) return take_(piece);
    answer_.body += piece;
    too_long_ = answer_.body.size() > kBodyLimit;
    return !too_long_;
  }

  void wait_again() {
    if (call_.patience.count() > 0)
      stream_.expires_after(call_.patience);
    else
      stream_.expires_never();
  }

  const std::string& path_;
  const HttpCall& call_;
  const TakePiece& take_;
  net::io_context io_{1};
  Stream stream_{io_};
  bool connected_ = false;
  beast::error_code failure_;
  bool too_long_ = false;
  HttpAnswer answer_;
};

}  // namespace

Result<HttpAnswer> http_call(const std::string& socket_path, const HttpCall& call, const TakePiece& take) {
  if (auto fits = check_socket_path(socket_path); !fits) return tl::unexpected(fits.error());
  return Exchange(socket_path, call, take).run();
}

}  // namespace deferd
