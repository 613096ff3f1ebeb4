#include "smtp/tls.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "net/testing_socket.h"
#include "smtp/testing_certificate.h"

namespace deferd::smtp {
namespace {

using State = Moved::State;
using Said = TestingTlsClient::Said;

// OpenSSL's memory, counted: to be set before its first allocation.
std::atomic<std::int64_t> allocated{0};
void* counted(void* memory) {
  if (memory != nullptr) allocated += static_cast<std::int64_t>(::malloc_usable_size(memory));
  return memory;
}
void uncount(void* memory) {
  if (memory != nullptr) allocated -= static_cast<std::int64_t>(::malloc_usable_size(memory));
}
const int counting = CRYPTO_set_mem_functions([](std::size_t size, const char*, int) { return counted(std::malloc(size)); },
                                              [](void* old, std::size_t size, const char*, int) {
                                                uncount(old);
                                                return counted(std::realloc(old, size));
                                              },
                                              [](void* memory, const char*, int) {
                                                uncount(memory);
                                                std::free(memory);
                                              });

struct Pair {
  int server = -1, client = -1;
  Pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) throw std::runtime_error("socketpair");
    server = ends[0];
    client = ends[1];
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() {
    close_client();
    ::close(server);
  }
  void close_client() {
    if (client >= 0) ::close(client);
    client = -1;
  }
};

class TlsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { own_ = new TestingCertificate(make_testing_certificate({.names = {"mx.example.org"}})); }
  static void TearDownTestSuite() { delete own_; }

  void SetUp() override {
    config_.certificate = put("certificate.pem", own_->certificate_pem());
    config_.key = put("key.pem", own_->key_pem());
  }
  std::string put(const char* name, const std::string& text) {
    const auto path = folder_.file(name);
    std::ofstream(path) << text;
    return path;
  }
  std::shared_ptr<TlsContext> load() { return TlsContext::load(config_).value(); }

  /// Both ends in turn, for as long as that gets on.
  static bool shake(TlsTransport& server, TestingTlsClient& client) {
    for (int turn = 0; turn < 100; ++turn) {
      const auto said = client.handshake();
      const auto moved = server.handshake();
      if (said == Said::failed || moved.state == State::failed || moved.state == State::closed) return false;
      if (said == Said::done && moved.state == State::ok) return true;
    }
    return false;
  }
  static std::string read(TlsTransport& server, State* last = nullptr) {
    std::string all;
    char part[1000];
    for (;;) {
      const auto moved = server.read(part);
      if (last != nullptr) *last = moved.state;
      if (moved.state != State::ok) return all;
      all.append(part, moved.bytes);
    }
  }

  SocketFolder folder_;
  TlsConfig config_;
  Pair pair_;
  static TestingCertificate* own_;
};
TestingCertificate* TlsTest::own_ = nullptr;

TEST_F(TlsTest, CarriesBytesBothWays) {
  TlsTransport server(load(), pair_.server);
  TestingTlsClient client(pair_.client);
  EXPECT_EQ(server.handshake().state, State::wait_read);
  ASSERT_TRUE(shake(server, client));
  EXPECT_EQ(server.description(), "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384");
  EXPECT_EQ(server.verified_subject(), "");
  client.send("EHLO a\r\n");
  EXPECT_EQ(read(server), "EHLO a\r\n");
  EXPECT_EQ(server.write("250 b\r\n").bytes, 7u);
  EXPECT_EQ(client.receive(), "250 b\r\n");
}

TEST_F(TlsTest, NothingToReadIsWaitedFor) {
  TlsTransport server(load(), pair_.server);
  TestingTlsClient client(pair_.client);
  ASSERT_TRUE(shake(server, client));
  char part[10];
  EXPECT_EQ(server.read(part).state, State::wait_read);
}

TEST_F(TlsTest, SpeaksNothingOlderThanConfigured) {
  const auto can = [&](int version) {
    Pair pair;
    TlsTransport server(load(), pair.server);
    TestingTlsClient client(pair.client, nullptr, version);
    return shake(server, client);
  };
  EXPECT_FALSE(can(TLS1_1_VERSION));
  EXPECT_TRUE(can(TLS1_2_VERSION));
  config_.minimum = TlsVersion::v1_3;
  EXPECT_FALSE(can(TLS1_2_VERSION));
  EXPECT_TRUE(can(TLS1_3_VERSION));
}

// Each byte of the client's first flight on its own: OpenSSL must wait, not fail, wherever it stops.
TEST_F(TlsTest, AHandshakeMayComeByteByByte) {
  Pair middle;  // the client talks to its other end, the test to the server
  TlsTransport server(load(), pair_.server);
  TestingTlsClient client(middle.client);
  std::size_t moved = 0;
  State state = State::wait_read;
  bool done = false;
  for (int turn = 0; turn < 100 && !(done && state == State::ok); ++turn) {
    done = client.handshake() == Said::done;
    char byte = 0;
    while (::recv(middle.server, &byte, 1, 0) == 1) {
      ASSERT_EQ(::send(pair_.client, &byte, 1, 0), 1);
      ++moved;
      if (state != State::ok) state = server.handshake().state;
      ASSERT_NE(state, State::failed) << "after " << moved << " bytes";
    }
    char back[4096];
    for (ssize_t got = 0; (got = ::recv(pair_.client, back, sizeof back, 0)) > 0;)
      ASSERT_EQ(::send(middle.server, back, static_cast<std::size_t>(got), 0), got);
  }
  EXPECT_EQ(state, State::ok);
  EXPECT_GT(moved, 200u);
}

TEST_F(TlsTest, GarbageInsteadOfAHandshakeFails) {
  TlsTransport server(load(), pair_.server);
  constexpr std::string_view garbage = "EHLO mx.example.net\r\nMAIL FROM:<>\r\n";
  ASSERT_EQ(::send(pair_.client, garbage.data(), garbage.size(), 0), static_cast<ssize_t>(garbage.size()));
  EXPECT_EQ(server.handshake().state, State::failed);
  char part[10];
  EXPECT_EQ(server.handshake().state, State::failed) << "for good";
  EXPECT_EQ(server.read(part).state, State::failed);
  EXPECT_EQ(server.write("x").state, State::failed);
}

TEST_F(TlsTest, AFailureOfOneConnectionIsNoneOfAnother) {
  const auto context = load();
  Pair other;
  TlsTransport server(context, pair_.server), broken(context, other.server);
  TestingTlsClient client(pair_.client);
  ASSERT_TRUE(shake(server, client));
  ASSERT_EQ(::send(other.client, "garbage garbage", 15, 0), 15);
  EXPECT_EQ(broken.handshake().state, State::failed);
  char part[10];
  EXPECT_EQ(server.read(part).state, State::wait_read);
}

TEST_F(TlsTest, AClientThatLeavesInTheHandshakeHasLeft) {
  for (const bool after_hello : {false, true}) {
    Pair pair;
    TlsTransport server(load(), pair.server);
    TestingTlsClient client(pair.client);
    if (after_hello) {
      client.handshake();
      EXPECT_EQ(server.handshake().state, State::wait_read);
    }
    pair.close_client();
    const auto state = server.handshake().state;
    EXPECT_TRUE(state == State::closed || state == State::failed) << static_cast<int>(state);
  }
}

TEST_F(TlsTest, AClientMayLeaveWithoutAWordOrWithOne) {
  for (const bool politely : {false, true}) {
    Pair pair;
    TlsTransport server(load(), pair.server);
    TestingTlsClient client(pair.client);
    ASSERT_TRUE(shake(server, client));
    client.receive();  // what is left unread would reset the connection
    client.send("QUIT\r\n");
    if (politely) SSL_shutdown(client.get());
    pair.close_client();
    State last{};
    EXPECT_EQ(read(server, &last), "QUIT\r\n") << "what came before is read first";
    EXPECT_EQ(last, State::closed) << politely;
  }
}

TEST_F(TlsTest, TheEndIsSaidToTheClient) {
  TestingTlsClient client(pair_.client);
  {
    TlsTransport server(load(), pair_.server);
    ASSERT_TRUE(shake(server, client));
    server.write("221 bye\r\n");
  }
  EXPECT_EQ(client.receive(), "221 bye\r\n");
  EXPECT_TRUE(client.closed());
}

TEST_F(TlsTest, WritingToWhoIsGoneFailsWithoutASignal) {
  ASSERT_NE(::signal(SIGPIPE, SIG_DFL), SIG_ERR);
  TlsTransport server(load(), pair_.server);
  TestingTlsClient client(pair_.client);
  ASSERT_TRUE(shake(server, client));
  pair_.close_client();
  EXPECT_EQ(server.write("250 ok\r\n").state, State::failed);
}

TEST_F(TlsTest, AFullSocketIsWaitedForAndGoesOnWhereItStopped) {
  TlsTransport server(load(), pair_.server);
  TestingTlsClient client(pair_.client);
  ASSERT_TRUE(shake(server, client));
  std::string text(2'000'000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 23);
  std::size_t sent = 0, waits = 0;
  std::string got;
  while (sent < text.size() && waits < 10'000) {
    // From another place each time: the buffer of a connection moves.
    const std::string rest = text.substr(sent, 100'000);
    const auto moved = server.write(rest);
    ASSERT_NE(moved.state, State::failed);
    sent += moved.bytes;
    if (moved.state == State::ok) continue;
    EXPECT_EQ(moved.state, State::wait_write);
    ++waits;
    got += client.receive();
  }
  got += client.receive();
  EXPECT_GT(waits, 0u);
  EXPECT_TRUE(got == text) << got.size() << " of " << text.size();
}

TEST_F(TlsTest, AStutteredByteIsARecordOfItsOwn) {
  TlsTransport server(load(), pair_.server);
  TestingTlsClient client(pair_.client);
  ASSERT_TRUE(shake(server, client));
  client.receive();  // session tickets
  for (const char c : std::string_view("220 ")) {
    ASSERT_EQ(server.write({&c, 1}).bytes, 1u);
    EXPECT_EQ(client.receive(), std::string(1, c));
  }
}

TEST_F(TlsTest, AClientVouchedForHasASubject) {
  const auto authority = make_testing_certificate({.common_name = "authority"});
  const auto stranger = make_testing_certificate({.common_name = "another authority"});
  config_.client_ca = put("authority.pem", authority.certificate_pem());
  const auto subject = [&](const CertificateWish& wish, int version) {
    Pair pair;
    TlsTransport server(load(), pair.server);
    const auto certificate = make_testing_certificate(wish);
    TestingTlsClient client(pair.client, &certificate, version);
    return shake(server, client) ? server.verified_subject() : "no handshake";
  };
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    EXPECT_EQ(subject({.common_name = "relay.example.net", .issuer = &authority}, version), "CN=relay.example.net");
    // Whom nobody vouches for is a stranger like any other.
    EXPECT_EQ(subject({.common_name = "relay.example.net", .issuer = &stranger}, version), "");
    EXPECT_EQ(subject({.common_name = "relay.example.net"}, version), "");
    EXPECT_EQ(subject({.common_name = "relay.example.net",
                       .from = std::chrono::hours{-48},
                       .until = std::chrono::hours{-24},
                       .issuer = &authority},
                      version),
              "");
  }
}

TEST_F(TlsTest, WithoutAnAuthorityNoCertificateIsAskedFor) {
  const auto certificate = make_testing_certificate({});
  TlsTransport server(load(), pair_.server);
  TestingTlsClient client(pair_.client, &certificate);
  ASSERT_TRUE(shake(server, client));
  EXPECT_EQ(server.verified_subject(), "");
}

TEST_F(TlsTest, ASessionIsResumedAndStillVouchedFor) {
  const auto authority = make_testing_certificate({.common_name = "authority"});
  const auto certificate = make_testing_certificate({.common_name = "relay.example.net", .issuer = &authority});
  config_.client_ca = put("authority.pem", authority.certificate_pem());
  const auto context = load();
  std::unique_ptr<SSL_SESSION, OpensslFree<SSL_SESSION_free>> session;
  for (const bool again : {false, true}) {
    Pair pair;
    TlsTransport server(context, pair.server);
    TestingTlsClient client(pair.client, &certificate);
    if (again) SSL_set_session(client.get(), session.get());
    ASSERT_TRUE(shake(server, client));
    client.receive();  // tickets
    session.reset(SSL_get1_session(client.get()));
    EXPECT_EQ(client.resumed(), again);
    EXPECT_EQ(server.verified_subject(), "CN=relay.example.net");
  }
}

TEST_F(TlsTest, RenegotiationIsRefused) {
  TlsTransport server(load(), pair_.server);
  TestingTlsClient client(pair_.client, nullptr, TLS1_2_VERSION);
  ASSERT_TRUE(shake(server, client));
  ASSERT_EQ(SSL_renegotiate(client.get()), 1);
  client.handshake();
  char part[100];
  EXPECT_NE(server.read(part).state, State::ok);
  EXPECT_FALSE(shake(server, client));
}

TEST_F(TlsTest, AnIdleConnectionTakesLittleMemory) {
  ASSERT_EQ(counting, 1);
  constexpr int kConnections = 50;
  const auto context = load();
  const auto connect = [&](Pair& pair) {
    auto server = std::make_unique<TlsTransport>(context, pair.server);
    TestingTlsClient client(pair.client);
    EXPECT_TRUE(shake(*server, client));
    client.send("EHLO a\r\n");
    EXPECT_EQ(read(*server), "EHLO a\r\n");
    server->write("250 ok\r\n");
    return server;
  };
  std::vector<Pair> pairs(kConnections + 1);
  const auto first = connect(pairs[kConnections]);  // what is made once
  std::vector<std::unique_ptr<TlsTransport>> idle;
  const auto before = allocated.load();
  for (int i = 0; i < kConnections; ++i) idle.push_back(connect(pairs[i]));
  const auto each = (allocated.load() - before) / kConnections;
  RecordProperty("bytes", static_cast<int>(each));
  std::printf("an idle TLS connection: %d bytes\n", static_cast<int>(each));
  EXPECT_LT(each, 16 * 1024) << "buffers are not released (34 KiB)";
}

}  // namespace
}  // namespace deferd::smtp
