#include "http/server.h"

#include <fcntl.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <future>
#include <thread>
#include <unordered_set>

#include "http/error_body.h"
#include "http/url.h"

namespace deferd {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

using Protocol = net::local::stream_protocol;
using Stream = beast::basic_stream<Protocol, net::io_context::executor_type>;
using Head = http::response<http::empty_body>;

constexpr auto kAwait = net::as_tuple(net::use_awaitable);
constexpr std::size_t kPieceBytes = 32 * 1024;

}  // namespace

/// The reply of one exchange. Its calls come from the handler's thread; the bytes are sent by the socket's thread, one packet at
/// a time, and the call waits for it: that is the whole flow control.
class StreamedReply final : public HttpReply {
 public:
  StreamedReply(Stream& stream, std::chrono::milliseconds piece_time, unsigned version, bool keep_alive)
      : stream_(stream), piece_time_(piece_time), version_(version), keep_alive_(keep_alive) {}

  bool begun() const override { return begun_; }
  bool keep_alive() const { return keep_alive_ && !broken_; }

  bool send(int status, std::string_view content_type, std::string_view body) override {
    http::response<http::span_body<const char>> response(Head(head(status, content_type)));
    response.body() = {body.data(), body.size()};
    response.prepare_payload();
    begun_ = true;
    return transmit([&](auto done) { http::async_write(stream_, response, std::move(done)); });
  }

  bool begin(int status, std::string_view content_type) override {
    Head response = head(status, content_type);
    chunked_ = version_ >= 11;
    response.chunked(chunked_);
    if (!chunked_) response.keep_alive(keep_alive_ = false);  // HTTP/1.0: the end of the connection ends the reply
    http::response_serializer<http::empty_body> serializer(response);
    begun_ = in_pieces_ = true;
    return transmit([&](auto done) { http::async_write_header(stream_, serializer, std::move(done)); });
  }

  bool write(std::string_view piece) override {
    if (broken_) return false;
    gathered_ += piece;
    return gathered_.size() < kPieceBytes || flush();
  }

  void finish() {
    if (!in_pieces_ || !flush() || !chunked_) return;
    transmit([&](auto done) { net::async_write(stream_, http::make_chunk_last(), std::move(done)); });
  }

  /// Leaves a reply in pieces without its end, so that the client sees that something is missing.
  void break_off() { broken_ = true; }

 private:
  Head head(int status, std::string_view content_type) const {
    Head response(static_cast<http::status>(status), version_);
    response.set(http::field::content_type, {content_type.data(), content_type.size()});
    response.set(http::field::cache_control, "no-store");
    response.keep_alive(keep_alive_);
    return response;
  }

  bool flush() {
    if (broken_ || gathered_.empty()) return !broken_;
    const net::const_buffer bytes = net::buffer(gathered_);
    const bool sent = transmit([&](auto done) {
      if (chunked_)
        net::async_write(stream_, http::make_chunk(bytes), std::move(done));
      else
        net::async_write(stream_, bytes, std::move(done));
    });
    gathered_.clear();
    return sent;
  }

  template <class Start>
  bool transmit(Start start) {
    if (broken_) return false;
    std::promise<bool> sent;
    std::future<bool> result = sent.get_future();
    net::post(stream_.get_executor(), [this, &start, sent = std::move(sent)]() mutable {
      stream_.expires_after(piece_time_);
      start([sent = std::move(sent)](beast::error_code error, std::size_t) mutable { sent.set_value(!error); });
    });
    broken_ = !result.get();
    return !broken_;
  }

  Stream& stream_;
  const std::chrono::milliseconds piece_time_;
  const unsigned version_;
  bool keep_alive_;
  bool begun_ = false, in_pieces_ = false, chunked_ = false, broken_ = false;
  std::string gathered_;
};

namespace {

/// What to tell a client whose bytes are no request; nullopt: nothing (it left, or its time is over).
std::optional<std::pair<int, Error>> refusal(const beast::error_code& error, const HttpLimits& limits) {
  if (error == http::error::body_limit)
    return std::pair{413, Error{Errc::invalid, "the body is longer than " + std::to_string(limits.body_bytes) + " bytes"}};
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return std::pair{431, Error{Errc::invalid, "the header is longer than " + std::to_string(limits.header_bytes) + " bytes"}};
  if (error == http::error::end_of_stream || error == http::error::partial_message) return std::nullopt;
  if (error.category() == make_error_code(http::error::bad_method).category())
    return std::pair{400, Error{Errc::invalid, "not an HTTP request: " + error.message()}};
  return std::nullopt;
}

}  // namespace

struct HttpServer::Impl {
  Impl(UnixListener given, HttpLimits given_limits, HttpHandler given_handler, Log& given_log)
      : listener(std::move(given)),
        limits(given_limits),
        handler(std::move(given_handler)),
        log(given_log),
        handlers(limits.connections) {
    // The acceptor closes its own descriptor; the listener keeps the path and the lock.
    acceptor.assign(Protocol(), ::fcntl(listener.descriptor(), F_DUPFD_CLOEXEC, 0));
    net::co_spawn(io, accept(), net::detached);
    thread = std::thread([this] { run(); });
  }

  ~Impl() {
    net::post(io, [this] {
      stopping = true;
      beast::error_code ignored;
      acceptor.close(ignored);
      room.cancel();
      for (Stream* stream : open) stream->socket().close(ignored);
    });
    thread.join();  // every coroutine has ended, so no handler runs any longer
    handlers.join();
  }

  void run() {
    for (;;) try {
        io.run();
        return;
      } catch (const std::exception& error) {
        log.error("control.failed", {{"error", error.what()}});
      }
  }

  net::awaitable<void> accept() {
    while (!stopping) {
      if (open.size() >= limits.connections) {
        room.expires_at(SteadyTime::max());
        co_await room.async_wait(kAwait);
        continue;
      }
      auto [error, socket] = co_await acceptor.async_accept(kAwait);
      if (stopping) break;
      if (error) {
        // Out of descriptors, most likely: the waiting client stays in the queue.
        log.warning("control.accept_failed", {{"error", error.message()}});
        room.expires_after(std::chrono::seconds(1));
        co_await room.async_wait(kAwait);
        continue;
      }
      ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
      auto stream = std::make_unique<Stream>(std::move(socket));
      open.insert(stream.get());
      net::co_spawn(io, serve(std::move(stream)), net::detached);
    }
  }

  net::awaitable<void> serve(std::unique_ptr<Stream> stream) {
    try {
      beast::flat_buffer buffer(limits.header_bytes + limits.body_bytes);
      const std::optional<Peer> peer = peer_of(stream->socket().native_handle());
      while (co_await exchange(*stream, buffer, peer)) {
      }
    } catch (const std::exception& error) {
      log.error("control.connection_failed", {{"error", error.what()}});
    }
    open.erase(stream.get());
    room.cancel();
  }

  /// One request and its reply; false when the connection is over.
  net::awaitable<bool> exchange(Stream& stream, beast::flat_buffer& buffer, const std::optional<Peer>& peer) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
    parser.body_limit(limits.body_bytes);
    stream.expires_after(limits.request_time);
    auto [error, size] = co_await http::async_read(stream, buffer, parser, kAwait);
    if (stopping) co_return false;
    if (error) {
      if (auto told = refusal(error, limits)) {
        http::response<http::string_body> response(static_cast<http::status>(told->first), 11, error_body(told->second));
        response.set(http::field::content_type, {kJson.data(), kJson.size()});
        response.keep_alive(false);
        response.prepare_payload();
        stream.expires_after(limits.piece_time);
        co_await http::async_write(stream, response, kAwait);
      }
      co_return false;
    }
    auto message = parser.release();
    HttpRequest request;
    request.method = std::string(message.method_string());
    request.peer = peer;
    request.body = std::move(message.body());
    auto target = parse_target({message.target().data(), message.target().size()}, request);
    StreamedReply reply(stream, limits.piece_time, message.version(), message.keep_alive());
    co_await net::co_spawn(
        handlers,
        [&]() -> net::awaitable<void> {
          if (target)
            answer(request, reply);
          else
            reply.send(400, kJson, error_body(target.error()));
          co_return;
        },
        net::use_awaitable);
    co_return reply.keep_alive() && !stopping;
  }

  void answer(const HttpRequest& request, StreamedReply& reply) {
    std::string failure;
    try {
      handler(request, reply);
      if (reply.begun()) return reply.finish();
      failure = "the handler gave no reply";
    } catch (const std::exception& error) {
      failure = error.what();
    }
    log.error("control.handler_failed", {{"method", request.method}, {"path", request.path}, {"error", failure}});
    if (reply.begun())
      reply.break_off();
    else
      reply.send(500, kJson, error_body({Errc::io, failure}));
  }

  UnixListener listener;
  const HttpLimits limits;
  const HttpHandler handler;
  Log& log;

  // Of the socket's thread alone:
  net::io_context io{1};
  net::basic_socket_acceptor<Protocol, net::io_context::executor_type> acceptor{io};
  net::steady_timer room{io};  // cancelled when a connection ends
  std::unordered_set<Stream*> open;
  bool stopping = false;

  net::thread_pool handlers;
  std::thread thread;
};

HttpServer::HttpServer(UnixListener listener, HttpLimits limits, HttpHandler handler, Log& log)
    : impl_(std::make_unique<Impl>(std::move(listener), limits, std::move(handler), log)) {}

HttpServer::~HttpServer() = default;

const std::string& HttpServer::path() const { return impl_->listener.path(); }

}  // namespace deferd
