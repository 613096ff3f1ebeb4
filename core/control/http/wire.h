// What server and client have in common: bytes between a socket and one of Beast's parsers. For server.cc and client.cc alone,
// which are one translation unit.
#pragma once
#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <string_view>

namespace deferd {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

using Protocol = net::local::stream_protocol;
using Stream = beast::basic_stream<Protocol, net::io_context::executor_type>;

constexpr auto kAwait = net::as_tuple(net::use_awaitable);
constexpr std::size_t kPacketBytes = 32 * 1024;

/// Is it a message that is malformed or too long (and not a socket that failed)?
inline bool is_http_error(const beast::error_code& error) {
  return error.category() == make_error_code(http::error::bad_method).category();
}

/// Reads one message, packet by packet.
template <class Parser>
class MessageReader {
 public:
  /// `buffer` may hold bytes that came with the former message.
  MessageReader(Stream& stream, beast::flat_buffer& buffer, Parser& parser)
      : stream_(stream), buffer_(buffer), parser_(parser), read_first_(buffer.size() == 0) {
    parser.eager(true);
  }

  /// Goes on by at most one packet. Called until parser.is_done(); a body is in parser.get().body() as far as it came.
  /// http::error::end_of_stream: the peer left instead of beginning a message.
  net::awaitable<beast::error_code> step() {
    beast::error_code error;
    if (read_first_) {
      if (buffer_.size() == buffer_.max_size()) co_return http::error::buffer_overflow;
      const net::mutable_buffer room = buffer_.prepare(std::min(kPacketBytes, buffer_.max_size() - buffer_.size()));
      auto [failed, size] = co_await stream_.async_read_some(room, kAwait);
      if (failed == net::error::eof) {
        if (!parser_.got_some()) co_return http::error::end_of_stream;
        parser_.put_eof(error);
        co_return error;
      }
      if (failed) co_return failed;
      buffer_.commit(size);
    }
    buffer_.consume(parser_.put(buffer_.data(), error));
    read_first_ = error == http::error::need_more || buffer_.size() == 0;
    if (error == http::error::need_more) error = {};
    co_return error;
  }

 private:
  Stream& stream_;
  beast::flat_buffer& buffer_;
  Parser& parser_;
  bool read_first_;
};

/// A packet: what goes before, the bytes, what goes after. One type, so that writing is compiled once.
using Packet = std::array<net::const_buffer, 3>;
inline Packet packet(std::string_view before, std::string_view bytes, std::string_view after) {
  return {net::const_buffer(before.data(), before.size()), net::const_buffer(bytes.data(), bytes.size()),
          net::const_buffer(after.data(), after.size())};
}

}  // namespace deferd
