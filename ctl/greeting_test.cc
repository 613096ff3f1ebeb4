#include "ctl/greeting.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "net/listener.h"

namespace deferd::ctl {
namespace {

using namespace std::chrono_literals;

class GreetingTest : public testing::Test {
 protected:
  /// Says `words` to the first who comes, and hangs up.
  Result<std::string> heard(std::string_view words) {
    std::thread server([&] {
      const int client = accept_one();
      ASSERT_GE(client, 0);
      ASSERT_EQ(::send(client, words.data(), words.size(), MSG_NOSIGNAL), static_cast<ssize_t>(words.size()));
      ::close(client);
    });
    auto line = greeting(endpoint(), 20s);
    server.join();
    return line;
  }
  Endpoint endpoint() const { return {*Address::parse("127.0.0.1"), listener.port()}; }

  Listener listener = or_throw(Listener::open(Listener::Tcp{*Address::parse("127.0.0.1"), 0}));

 private:
  int accept_one() {
    pollfd one{listener.descriptor(), POLLIN, 0};
    return ::poll(&one, 1, 20'000) == 1 ? ::accept(listener.descriptor(), nullptr, nullptr) : -1;
  }
};

TEST_F(GreetingTest, IsTheFirstLine) {
  EXPECT_EQ(heard("220 mx.example.org ESMTP\r\n250 more\r\n").value(), "220 mx.example.org ESMTP");
}

TEST_F(GreetingTest, IsCutWhereNoLineEnds) { EXPECT_EQ(heard(std::string(10'000, 'x')).value().size(), 512u); }

TEST_F(GreetingTest, FailsWithWhoHangsUp) {
  const auto line = heard("");
  ASSERT_FALSE(line);
  EXPECT_EQ(line.error().code, Errc::unavailable);
}

TEST_F(GreetingTest, WaitsNotForEver) {
  const auto line = greeting(endpoint(), 50ms);  // the connection waits to be accepted
  ASSERT_FALSE(line);
  EXPECT_EQ(line.error().code, Errc::busy);
}

TEST_F(GreetingTest, FailsWhereNobodyListens) {
  const auto where = endpoint();
  { const Listener gone = std::move(listener); }
  const auto line = greeting(where, 20s);
  ASSERT_FALSE(line);
  EXPECT_EQ(line.error().code, Errc::unavailable);
}

}  // namespace
}  // namespace deferd::ctl
