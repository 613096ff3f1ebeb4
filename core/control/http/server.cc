#include "http/server.h"

#include <fcntl.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstdio>
#include <future>
#include <thread>
#include <unordered_set>

#include "http/error_body.h"
#include "http/url.h"
#include "http/wire.h"

namespace deferd {

/// The reply of one exchange. Its calls come from the handler's thread; the bytes are sent by the socket's thread, one packet at
/// a time, and the call waits for it: that is the whole flow control.
class StreamedReply final : public HttpReply {
 public:
  StreamedReply(Stream& stream, std::chrono::milliseconds piece_time) : stream_(stream), piece_time_(piece_time) {}

  /// As the request allows it; a reply to what was no request ends the connection.
  void suit(unsigned http_version, bool keep_alive) {
    chunks_known_ = http_version >= 11;
    keep_alive_ = keep_alive;
  }
  bool begun() const override { return begun_; }
  bool keep_alive() const { return keep_alive_ && !broken_; }

  bool send(int status, std::string_view content_type, std::string_view body) override {
    start(status, content_type, "Content-Length: " + std::to_string(body.size()) + "\r\n");
    return transmit(packet(head_, body, {}));
  }

  bool begin(int status, std::string_view content_type) override {
    if (!chunks_known_) keep_alive_ = false;  // the end of the connection ends the reply
    start(status, content_type, chunks_known_ ? "Transfer-Encoding: chunked\r\n" : "");
    in_pieces_ = true;
    return true;
  }

  bool write(std::string_view piece) override {
    if (broken_) return false;
    gathered_ += piece;
    return gathered_.size() < kPacketBytes || flush({});
  }

  void finish() {
    if (in_pieces_) flush("0\r\n\r\n");
  }

  /// Leaves a reply in pieces without its end, so that the client sees that something is missing.
  void break_off() { broken_ = true; }

 private:
  void start(int status, std::string_view content_type, std::string_view framing) {
    begun_ = true;
    const auto reason = http::obsolete_reason(static_cast<http::status>(status));
    head_ = "HTTP/1.1 " + std::to_string(status) + ' ';
    head_.append(reason.data(), reason.size()).append("\r\nContent-Type: ").append(content_type);
    head_.append("\r\nCache-Control: no-store\r\nConnection: ").append(keep_alive_ ? "keep-alive" : "close");
    head_.append("\r\n").append(framing).append("\r\n");
  }

  /// RFC 9112 section 7.1.
  bool flush(std::string_view end) {
    std::string after;
    if (chunks_known_ && !gathered_.empty()) {
      char size[24];
      std::snprintf(size, sizeof(size), "%zx\r\n", gathered_.size());
      head_ += size;
      after = "\r\n";
    }
    if (chunks_known_) after += end;
    const bool sent = transmit(packet(head_, gathered_, after));
    head_.clear();
    gathered_.clear();
    return sent;
  }

  bool transmit(const Packet& bytes) {
    if (broken_) return false;
    std::promise<bool> sent;
    std::future<bool> result = sent.get_future();
    net::post(stream_.get_executor(), [this, &bytes, sent = std::move(sent)]() mutable {
      stream_.expires_after(piece_time_);
      net::async_write(stream_, bytes,
                       [sent = std::move(sent)](beast::error_code error, std::size_t) mutable { sent.set_value(!error); });
    });
    broken_ = !result.get();
    return !broken_;
  }

  Stream& stream_;
  const std::chrono::milliseconds piece_time_;
  bool chunks_known_ = true, keep_alive_ = false;
  bool begun_ = false, in_pieces_ = false, broken_ = false;
  std::string head_, gathered_;  // not yet sent
};

/// What to tell a client whose bytes are no request; status 0: nothing (it left, or its time is over).
struct Refusal {
  int status = 0;
  std::string body;
};

static Refusal refusal(const beast::error_code& error, const HttpLimits& limits) {
  const auto told = [](int status, std::string what) { return Refusal{status, error_body({Errc::invalid, std::move(what)})}; };
  if (error == http::error::body_limit)
    return told(413, "the body is longer than " + std::to_string(limits.body_bytes) + " bytes");
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return told(431, "the header is longer than " + std::to_string(limits.header_bytes) + " bytes");
  if (error == http::error::end_of_stream || error == http::error::partial_message || !is_http_error(error)) return {};
  return told(400, "not an HTTP request: " + error.message());
}

using RequestParser = http::request_parser<http::string_body>;

struct HttpServer::Impl {
  Impl(Listener given, HttpLimits given_limits, HttpHandler given_handler, Log& given_log)
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
      std::string failure;
      try {
        if (open.size() >= limits.connections) {
          room.expires_at(SteadyTime::max());
          co_await room.async_wait(kAwait);
          continue;
        }
        auto [error, socket] = co_await acceptor.async_accept(kAwait);
        if (stopping) break;
        if (error)
          failure = error.message();
        else
          enter(std::move(socket));
      } catch (const std::exception& error) {  // whatever happened to one client, the next one is served
        failure = error.what();
      }
      if (failure.empty()) continue;
      // Out of descriptors or memory, most likely: the waiting client stays in the queue.
      log.warning("control.accept_failed", {{"error", failure}});
      room.expires_after(std::chrono::seconds(1));
      co_await room.async_wait(kAwait);
    }
  }

  void enter(Stream::socket_type socket) {
    ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
    auto stream = std::make_unique<Stream>(std::move(socket));
    Stream* const entered = stream.get();
    open.insert(entered);
    try {
      net::co_spawn(io, serve(std::move(stream)), net::detached);
    } catch (...) {
      open.erase(entered);
      throw;
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
    RequestParser parser;
    parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
    parser.body_limit(limits.body_bytes);
    stream.expires_after(limits.request_time);
    MessageReader<RequestParser> reader(stream, buffer, parser);
    beast::error_code error;
    while (!error && !parser.is_done()) error = co_await reader.step();
    if (stopping) co_return false;

    StreamedReply reply(stream, limits.piece_time);
    if (error) {
      const Refusal refused = refusal(error, limits);
      if (refused.status == 0) co_return false;
      co_await on_handler_thread([&] { reply.send(refused.status, kJson, refused.body); });
      co_return false;
    }
    auto message = parser.release();
    reply.suit(message.version(), message.keep_alive());
    HttpRequest request;
    request.method = std::string(message.method_string());
    request.peer = peer;
    request.body = std::move(message.body());
    const auto target = parse_target({message.target().data(), message.target().size()}, request);
    co_await on_handler_thread([&] {
      if (target)
        answer(request, reply);
      else
        reply.send(400, kJson, error_body(target.error()));
    });
    co_return reply.keep_alive() && !stopping;
  }

  /// Runs `work` where it may block, and goes on here when it is done.
  net::awaitable<void> on_handler_thread(std::function<void()> work) {
    net::steady_timer done(io, SteadyTime::max());
    net::post(handlers, [&] {
      work();
      net::post(io, [&done] { done.cancel(); });
    });
    co_await done.async_wait(kAwait);
  }

  void answer(const HttpRequest& request, StreamedReply& reply) {
    std::string failure;
    try {
      handler(request, reply);
      if (reply.begun()) return reply.finish();
      failure = "the handler gave no reply";
    } catch (const std::exception& error) {
      failure = error.what();
    } catch (...) {
      failure = "an exception of unknown type";
    }
    log.error("control.handler_failed", {{"method", request.method}, {"path", request.path}, {"error", failure}});
    if (reply.begun())
      reply.break_off();
    else
      reply.send(500, kJson, error_body({Errc::io, failure}));
  }

  Listener listener;
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

HttpServer::HttpServer(Listener listener, HttpLimits limits, HttpHandler handler, Log& log)
    : impl_(std::make_unique<Impl>(std::move(listener), limits, std::move(handler), log)) {}

HttpServer::~HttpServer() = default;

const std::string& HttpServer::path() const { return impl_->listener.path(); }

}  // namespace deferd
