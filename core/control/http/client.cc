#include "http/client.h"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <exception>

#include "http/unix_listener.h"

namespace deferd {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

using ClientStream = beast::basic_stream<net::local::stream_protocol, net::io_context::executor_type>;

constexpr auto kAwaitTuple = net::as_tuple(net::use_awaitable);
constexpr std::size_t kBodyLimit = 16 * 1024 * 1024;

Error client_error(const std::string& path, const beast::error_code& error) {
  if (error == beast::error::timeout) return {Errc::busy, path + ": no answer in time"};
  if (error == net::error::access_denied) return {Errc::io, path + ": permission denied"};
  if (error == http::error::partial_message || error == net::error::eof)
    return {Errc::io, path + ": the answer broke off: the daemon ended, or could not go on (see its log)"};
  if (error.category() == make_error_code(http::error::bad_method).category() && error != http::error::end_of_stream)
    return {Errc::io, path + ": this is no answer of deferd: " + error.message()};
  return {Errc::unavailable, path + ": " + error.message()};
}

class Exchange {
 public:
  Exchange(const std::string& path, const HttpCall& call, const TakePiece& take) : path_(path), call_(call), take_(take) {}

  Result<HttpAnswer> run() {
    std::exception_ptr thrown;
    net::co_spawn(io_, talk(), [&](std::exception_ptr failure) { thrown = failure; });
    io_.run();
    if (thrown) std::rethrow_exception(thrown);
    if (failure_) return tl::unexpected(client_error(path_, failure_));
    if (too_long_) return fail(Errc::io, path_ + ": the answer is too long");
    return std::move(answer_);
  }

 private:
  net::awaitable<void> talk() {
    wait_again();
    if (auto [error] = co_await stream_.async_connect(net::local::stream_protocol::endpoint(path_), kAwaitTuple); error) {
      failure_ = error;
      co_return;
    }
    http::request<http::string_body> request(http::string_to_verb(call_.method), call_.target, 11, call_.body);
    request.set(http::field::host, "localhost");
    request.set(http::field::connection, "close");
    if (!call_.body.empty()) request.set(http::field::content_type, "application/json");
    request.prepare_payload();
    wait_again();
    // A server that refuses a request may close before it was sent whole; its answer tells why.
    auto [unsent, written] = co_await http::async_write(stream_, request, kAwaitTuple);
    if (unsent == beast::error::timeout) {
      failure_ = unsent;
      co_return;
    }
    co_await receive();
  }

  net::awaitable<void> receive() {
    beast::flat_buffer buffer;
    http::response_parser<http::buffer_body> parser;
    parser.body_limit(boost::none);
    wait_again();
    if (auto [error, size] = co_await http::async_read_header(stream_, buffer, parser, kAwaitTuple); error) {
      failure_ = error;
      co_return;
    }
    answer_.status = static_cast<int>(parser.get().result_int());
    answer_.content_type = std::string(parser.get()[http::field::content_type]);
    std::array<char, 32 * 1024> piece{};
    while (!parser.is_done()) {
      parser.get().body().data = piece.data();
      parser.get().body().size = piece.size();
      wait_again();
      auto [error, size] = co_await http::async_read(stream_, buffer, parser, kAwaitTuple);
      if (error && error != http::error::need_buffer) {
        failure_ = error;
        co_return;
      }
      if (!taken({piece.data(), piece.size() - parser.get().body().size})) co_return;
    }
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
  ClientStream stream_{io_};
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
