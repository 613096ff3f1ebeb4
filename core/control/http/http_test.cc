// The server and the client together, and the server against those who do not behave.
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "http/client.h"
#include "http/error_body.h"
#include "http/server.h"
#include "net/testing_socket.h"

namespace deferd {
namespace {

using namespace std::chrono_literals;

class QuietLog : public Log {
 public:
  bool enabled(Level) const override { return true; }
  using Log::write;
  void write(Level, std::string_view event, std::span<const Field>) override {
    std::lock_guard lock(mutex_);
    events_ += std::string(event) + '\n';
  }
  bool saw(std::string_view event) const {
    std::lock_guard lock(mutex_);
    return events_.find(event) != std::string::npos;
  }

 private:
  mutable std::mutex mutex_;
  std::string events_;
};

class HttpTest : public ::testing::Test {
 protected:
  /// What the handler refers to must outlive what is returned.
  [[nodiscard]] std::unique_ptr<HttpServer> serve(HttpHandler handler) {
    return std::make_unique<HttpServer>(or_throw(Listener::open(path, {})), limits, std::move(handler), log);
  }
  Result<HttpAnswer> get(const std::string& target, const TakePiece& take = {}) {
    return http_call(path, {"GET", target, {}, 10s}, take);
  }

  SocketFolder folder;
  std::string path = folder.file("control.sock");
  HttpLimits limits;
  QuietLog log;
};

void echo(const HttpRequest& request, HttpReply& reply) {
  std::string text = request.method + " " + request.path + "\n";
  for (const auto& [key, value] : request.query) text += key + "=" + value + "\n";
  reply.send(200, "text/plain", text + request.body);
}

/// Rows for ever, until the client goes.
void endless(const HttpRequest&, HttpReply& reply) {
  const std::string row(200, 'x');
  reply.begin(200, kJsonLines);
  while (reply.write(row + "\n")) {
  }
}

TEST_F(HttpTest, HandsTheRequestToTheHandlerAndTheReplyToTheClient) {
  auto server = serve(echo);
  auto answer = http_call(path, {"POST", "/v1/a%2Fb?key=x%40y&flag", "{\"n\": 1}", 10s});
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->content_type, "text/plain");
  EXPECT_EQ(answer->body, "POST /v1/a/b\nkey=x@y\nflag=\n{\"n\": 1}");
}

TEST_F(HttpTest, TellsTheHandlerWhoAsks) {
  std::optional<Peer> peer;
  auto server = serve([&](const HttpRequest& request, HttpReply& reply) {
    peer = request.peer;
    reply.send(200, "text/plain", "");
  });
  ASSERT_TRUE(get("/"));
  ASSERT_TRUE(peer);
  EXPECT_EQ(peer->uid, ::getuid());
  EXPECT_EQ(peer->gid, ::getgid());
}

TEST_F(HttpTest, AnswersSeveralRequestsOnOneConnection) {
  auto server = serve(echo);
  RawClient client(path);
  client.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(client.receive().find("GET /a"), std::string::npos);
  client.send("GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_NE(client.receive_all().find("GET /b"), std::string::npos);
}

TEST_F(HttpTest, StreamsToAClientOfHttp10WithoutChunks) {
  auto server = serve([](const HttpRequest&, HttpReply& reply) {
    reply.begin(200, kJsonLines);
    reply.write("{}\n");
  });
  RawClient client(path);
  client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const std::string all = client.receive_all();
  EXPECT_EQ(all.find("chunked"), std::string::npos);
  EXPECT_TRUE(all.ends_with("\r\n\r\n{}\n")) << all;
}

TEST_F(HttpTest, StreamsManyRowsWithFewUnderWay) {
  constexpr std::size_t kRows = 300'000;
  std::atomic<std::size_t> written = 0;
  auto server = serve([&](const HttpRequest&, HttpReply& reply) {
    const std::string row = std::string(200, 'x') + "\n";
    reply.begin(200, kJsonLines);
    for (std::size_t i = 0; i < kRows && reply.write(row); ++i) written += row.size();
  });
  std::size_t bytes = 0, most = 0, longest = 0;
  auto answer = get("/", [&](std::string_view piece) {
    most = std::max(most, written - bytes);
    bytes += piece.size();
    longest = std::max(longest, piece.size());
    return true;
  });
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(bytes, kRows * 201);
  EXPECT_TRUE(answer->body.empty());
  EXPECT_LT(most, 1u << 20) << "what handler, socket and client hold of the 60 MB";
  EXPECT_LE(longest, 64u * 1024);
}

TEST_F(HttpTest, HoldsTheHandlerBackUntilASlowReaderReads) {
  constexpr std::size_t kRows = 10'000;
  std::atomic<std::size_t> written_to_slow = 0;
  auto server = serve([&](const HttpRequest& request, HttpReply& reply) {
    const std::string row(1000, 'x');
    reply.begin(200, kJsonLines);
    for (std::size_t i = 0; i < kRows && reply.write(row); ++i)
      if (request.path == "/slow") written_to_slow += row.size();
  });
  RawClient slow(path);
  slow.send("GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  ASSERT_FALSE(slow.receive(1).empty());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(get("/quick", [](std::string_view) { return true; }));
  EXPECT_LT(written_to_slow, kRows * 1000 / 4) << "what the system keeps for a socket, and one piece";
  EXPECT_GT(slow.receive_all().size(), kRows * 1000);
  EXPECT_EQ(written_to_slow, kRows * 1000);
}

TEST_F(HttpTest, GivesUpOnAReaderThatTakesNothing) {
  limits.piece_time = 50ms;
  std::barrier ended(2);
  auto server = serve([&](const HttpRequest& request, HttpReply& reply) {
    endless(request, reply);
    ended.arrive_and_wait();
  });
  RawClient client(path);
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  ended.arrive_and_wait();
}

TEST_F(HttpTest, EndsTheHandlerWhenTheClientLeaves) {
  std::barrier ended(2);
  auto server = serve([&](const HttpRequest& request, HttpReply& reply) {
    endless(request, reply);
    ended.arrive_and_wait();
  });
  std::size_t bytes = 0;
  ASSERT_TRUE(get("/", [&](std::string_view piece) { return (bytes += piece.size()) < 100'000; }));
  ended.arrive_and_wait();
}

TEST_F(HttpTest, StopsWhileRepliesAreBeingSent) {
  auto server = serve(endless);
  RawClient client(path);
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_FALSE(client.receive(1).empty());
  server.reset();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(HttpTest, ServesOthersWhileAHandlerBlocks) {
  std::barrier blocked(2), go_on(2);
  auto server = serve([&](const HttpRequest& request, HttpReply& reply) {
    if (request.path == "/slow") {
      blocked.arrive_and_wait();
      go_on.arrive_and_wait();
    }
    reply.send(200, "text/plain", "x");
  });
  std::thread slow([&] { EXPECT_TRUE(get("/slow")); });
  blocked.arrive_and_wait();
  EXPECT_TRUE(get("/quick"));
  go_on.arrive_and_wait();
  slow.join();
}

TEST_F(HttpTest, LetsClientsBeyondTheLimitWait) {
  limits.connections = 2;
  std::atomic<int> inside = 0, most = 0;
  auto server = serve([&](const HttpRequest&, HttpReply& reply) {
    const int now = ++inside;
    for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
    }
    std::this_thread::sleep_for(2ms);
    --inside;
    reply.send(200, "text/plain", "x");
  });
  std::vector<std::thread> clients;
  for (int i = 0; i < 12; ++i) clients.emplace_back([&] { EXPECT_TRUE(get("/")); });
  for (auto& client : clients) client.join();
  EXPECT_LE(most, 2);
}

TEST_F(HttpTest, RefusesWhatIsNoRequest) {
  auto server = serve(echo);
  RawClient client(path);
  client.send("EHLO mail.example.org\r\n\r\n");
  EXPECT_TRUE(client.receive_all().starts_with("HTTP/1.1 400 "));
  RawClient binary(path);
  binary.send(std::string("\0\xff\x16\x03\x01\0\0\0", 8) + "\r\n\r\n");
  EXPECT_TRUE(binary.receive_all().starts_with("HTTP/1.1 400 "));
}

TEST_F(HttpTest, RefusesATargetThatIsNotWellEncoded) {
  auto server = serve(echo);
  auto answer = get("/v1/%zz");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 400);
}

TEST_F(HttpTest, RefusesABodyThatIsTooLong) {
  auto server = serve(echo);
  auto answer = http_call(path, {"POST", "/", std::string(limits.body_bytes + 1, 'x'), 10s});
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->status, 413);
  EXPECT_NE(answer->body.find("\"code\":\"invalid\""), std::string::npos) << answer->body;
}

TEST_F(HttpTest, RefusesAChunkedBodyThatIsTooLong) {
  auto server = serve(echo);
  RawClient client(path);
  client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "1000\r\n" + std::string(0x1000, 'x') + "\r\n";
  for (int i = 0; i < 17; ++i) client.send(chunk);
  EXPECT_TRUE(client.receive_all().starts_with("HTTP/1.1 413 "));
}

TEST_F(HttpTest, RefusesAHeaderThatIsTooLong) {
  auto server = serve(echo);
  RawClient client(path);
  client.send("GET / HTTP/1.1\r\nX: " + std::string(limits.header_bytes + 1, 'x') + "\r\n\r\n");
  EXPECT_TRUE(client.receive_all().starts_with("HTTP/1.1 431 "));
}

TEST_F(HttpTest, HangsUpOnHalfARequest) {
  limits.request_time = 50ms;
  auto server = serve(echo);
  RawClient client(path);
  client.send("GET / HTTP/1.1\r\nHo");
  EXPECT_EQ(client.receive_all(), "");
  EXPECT_TRUE(get("/"));
}

TEST_F(HttpTest, HangsUpOnAClientThatLeavesWithinItsRequest) {
  auto server = serve(echo);
  RawClient client(path);
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  client.finish_sending();
  EXPECT_EQ(client.receive_all(), "");
  EXPECT_TRUE(get("/"));
}

TEST_F(HttpTest, TurnsAnExceptionIntoStatus500) {
  auto server = serve([](const HttpRequest&, HttpReply&) { throw std::runtime_error("no luck"); });
  auto answer = get("/");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 500);
  EXPECT_NE(answer->body.find("no luck"), std::string::npos);
  EXPECT_TRUE(log.saw("control.handler_failed"));
}

TEST_F(HttpTest, ShowsTheClientThatAListIsNotWhole) {
  auto server = serve([](const HttpRequest&, HttpReply& reply) {
    reply.begin(200, kJsonLines);
    for (int i = 0; i < 1000; ++i) reply.write(std::string(100, 'x') + "\n");
    throw std::runtime_error("no luck");
  });
  auto answer = get("/", [](std::string_view) { return true; });
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::io);
  EXPECT_NE(answer.error().what.find("broke off"), std::string::npos) << answer.error().what;
}

TEST_F(HttpTest, ClientSaysThatNobodyAnswers) {
  auto answer = get("/");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::unavailable);
}

TEST_F(HttpTest, ClientGivesUpAfterItsPatience) {
  std::barrier go_on(2);
  auto server = serve([&](const HttpRequest&, HttpReply& reply) {
    go_on.arrive_and_wait();
    reply.send(200, "text/plain", "x");
  });
  auto answer = http_call(path, {"GET", "/", {}, 50ms});
  go_on.arrive_and_wait();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::busy);
}

}  // namespace
}  // namespace deferd
