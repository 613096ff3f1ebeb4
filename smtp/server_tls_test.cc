// STARTTLS through the whole server.
#include <fcntl.h>
#include <poll.h>

#include <fstream>

#include "smtp/server_fixture.h"
#include "smtp/testing_certificate.h"

namespace deferd::smtp {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class ServerTlsTest : public ServerFixture {
 protected:
  ServerTlsTest() {
    const auto certificate = make_testing_certificate({.names = {"mx.example"}});
    TlsConfig files;
    files.certificate = folder.file("certificate.pem");
    files.key = folder.file("key.pem");
    std::ofstream(files.certificate) << certificate.certificate_pem();
    std::ofstream(files.key) << certificate.key_pem();
    tls = or_throw(TlsContext::load(files));
    tls_offered = true;
  }

  /// A client's end after STARTTLS.
  class Inside {
   public:
    explicit Inside(std::unique_ptr<TestClient> plain) : plain_(std::move(plain)), tls_((unblock(), plain_->descriptor())) {}

    bool handshake() {
      for (;;) {
        const auto said = tls_.handshake();
        if (said != TestingTlsClient::Said::wait) return said == TestingTlsClient::Said::done;
        if (!wait()) return false;
      }
    }
    void send(std::string_view bytes) { tls_.send(bytes); }
    /// Until a whole reply, or the end, is there.
    std::string reply() {
      for (;;) {
        arrived_ += tls_.receive();
        const auto end = arrived_.rfind("\r\n");
        if (end != arrived_.npos && end + 2 == arrived_.size()) {
          const auto last = arrived_.rfind("\r\n", end - 1);
          const auto begin = last == arrived_.npos || end == 0 ? 0 : last + 2;
          if (arrived_.size() < begin + 4 || arrived_[begin + 3] != '-') return std::exchange(arrived_, {});
        }
        if (tls_.closed()) return arrived_ + "(closed)";
        if (!wait()) return arrived_ + "(silent)";
      }
    }
    std::string ask(std::string_view line) {
      send(std::string(line) + "\r\n");
      return reply();
    }

   private:
    void unblock() const { ::fcntl(plain_->descriptor(), F_SETFL, ::fcntl(plain_->descriptor(), F_GETFL) | O_NONBLOCK); }
    bool wait() const {
      pollfd wanted{plain_->descriptor(), POLLIN, 0};
      return ::poll(&wanted, 1, 20'000) > 0;
    }

    std::unique_ptr<TestClient> plain_;
    TestingTlsClient tls_;
    std::string arrived_;
  };

  Inside inside() {
    auto plain = client();
    EXPECT_THAT(plain->ask("EHLO client.example"), HasSubstr("STARTTLS"));
    EXPECT_EQ(plain->ask("STARTTLS"), "220 2.0.0 Ready to start TLS");
    return Inside(std::move(plain));
  }
};

TEST_F(ServerTlsTest, GoesOnInsideTls) {
  start();
  auto one = inside();
  ASSERT_TRUE(one.handshake());
  EXPECT_THAT(one.ask("MAIL FROM:<a@example.org>"), HasSubstr("503"));  // what was said outside is forgotten
  EXPECT_THAT(one.ask("EHLO client.example"), Not(HasSubstr("STARTTLS")));
  EXPECT_EQ(one.ask("MAIL FROM:<a@example.org>"), "250 2.1.0 OK\r\n");
  EXPECT_EQ(one.ask("RCPT TO:<defer@example.net>"), "451 4.7.1 Come back\r\n");
  EXPECT_EQ(one.ask("QUIT"), "221 2.0.0 mx.example Bye\r\n");
  EXPECT_EQ(one.reply(), "(closed)");
}

TEST_F(ServerTlsTest, DropsWhatWasSaidBeforeTheHandshake) {
  start();
  auto plain = client();
  plain->ask("EHLO client.example");
  plain->send("STARTTLS\r\nMAIL FROM:<smuggled@example.org>\r\n");
  EXPECT_EQ(plain->reply(), "220 2.0.0 Ready to start TLS");
  Inside one(std::move(plain));
  ASSERT_TRUE(one.handshake());
  EXPECT_THAT(one.ask("EHLO client.example"), HasSubstr("250-mx.example"));
}

TEST_F(ServerTlsTest, StuttersInsideTls) {
  start();
  auto one = inside();
  ASSERT_TRUE(one.handshake());
  one.ask("EHLO client.example");
  one.ask("MAIL FROM:<a@example.org>");
  script.pace = {.per_byte = 10ms};
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(one.ask("RCPT TO:<defer@example.net>"), "451 4.7.1 Come back\r\n");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 200ms);
}

TEST_F(ServerTlsTest, EndsAHandshakeThatIsNone) {
  start();
  auto plain = client();
  plain->ask("EHLO client.example");
  plain->ask("STARTTLS");
  plain->send("EHLO client.example\r\n");
  wait_for([&] { return gauge("deferd_smtp_connections") == "0"; }, "the end of the connection");
}

TEST_F(ServerTlsTest, EndsAHandshakeThatTakesTooLong) {
  config.limits.idle = 1s;
  start();
  auto plain = client();
  plain->ask("EHLO client.example");
  plain->ask("STARTTLS");
  plain->send("\x16\x03");
  EXPECT_EQ(plain->reply(), "(closed)");
}

TEST_F(ServerTlsTest, SaysGoodbyeInsideTls) {
  start();
  auto one = inside();
  ASSERT_TRUE(one.handshake());
  one.ask("EHLO client.example");
  EXPECT_TRUE(server->stop());
  EXPECT_EQ(one.reply(), "421 4.3.2 Shutting down\r\n");
  EXPECT_EQ(one.reply(), "(closed)");
}

TEST_F(ServerTlsTest, OffersNoMoreTlsThanItHasRoomFor) {
  config.limits.tls = 1;
  start();
  auto waiting = client();
  EXPECT_THAT(waiting->ask("EHLO client.example"), HasSubstr("STARTTLS"));
  auto one = inside();
  ASSERT_TRUE(one.handshake());
  EXPECT_EQ(waiting->ask("STARTTLS"), "454 4.7.0 TLS is not available at present");
  EXPECT_THAT(client()->ask("EHLO client.example"), Not(HasSubstr("STARTTLS")));
}

}  // namespace
}  // namespace deferd::smtp
