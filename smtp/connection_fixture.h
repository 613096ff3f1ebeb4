// For tests: one connection on one end of a socket pair, without a thread; time and readiness are the test's to give.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "deferd/testing/fake_log.h"
#include "smtp/connection.h"
#include "smtp/scripted_dialogue.h"

namespace deferd::smtp {

class ConnectionFixture : public ::testing::Test, protected ConnectionOwner {
 protected:
  ConnectionFixture() {
    config->name = "mx.example";
    config->voice = Voice::rcpt;
    config->limits.idle = std::chrono::seconds{60};
    config->limits.session = std::chrono::seconds{600};
    config->limits.kept_session = std::chrono::hours{1};
    rules->config = config;
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  }
  ~ConnectionFixture() override {
    connection.reset();
    for (const int end : ends)
      if (end >= 0) ::close(end);
  }

  void start(bool proxied = false) {
    connection.emplace(static_cast<ConnectionOwner&>(*this), ends[0], config);
    Session known;
    known.client = *Address::parse("192.0.2.7");
    known.client_port = 4711;
    connection->start(std::move(known), proxied);
    settle();
  }

  /// Does what an I/O thread would do until nothing can go on without time.
  void settle() {
    for (bool moved = true; moved;) {
      moved = false;
      if (thinking && !hold_answers) {
        thinking = false;
        moved = true;
        connection->answered(connection->session()->answer());
      }
      if (waits_to_read && readable()) {
        waits_to_read = false;
        moved = true;
        connection->ready();
      }
      if (waits_for_turn) {
        waits_for_turn = false;
        moved = true;
        connection->ready();
      }
      if (waits_to_write && writable) {
        waits_to_write = false;
        moved = true;
        connection->ready();
      }
    }
  }

  void pass(SteadyTime::duration time) {
    for (const auto end = now_ + time; now_ < end;) {
      now_ += std::min<SteadyTime::duration>(TimerWheel::kTick, end - now_);
      wheel_.turn(now_, [](Timed& timed) { static_cast<Connection&>(timed).due(); });
      settle();
    }
  }

  void say(std::string_view bytes) {
    ASSERT_EQ(::send(ends[1], bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    settle();
  }
  std::string heard() {
    std::string all(65536, '\0');
    const auto got = ::recv(ends[1], all.data(), all.size(), MSG_DONTWAIT);
    all.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return all;
  }
  /// Says HELO and MAIL and hears the answers.
  void introduce() {
    say("HELO client.example\r\n");
    say("MAIL FROM:<a@example.org>\r\n");
    heard();
  }

  SteadyTime now() const override { return now_; }
  TimerWheel& wheel() override { return wheel_; }
  void wait(Connection&, Until until) override {
    (until == Until::writable ? waits_to_write : until == Until::readable ? waits_to_read : waits_for_turn) = true;
  }
  void think(Connection&) override { thinking = true; }
  std::unique_ptr<SmtpSession> open(Connection&, Session&& known) override {
    opened_for = known.client.to_string() + ":" + std::to_string(known.client_port);
    if (refuse) return nullptr;
    return std::make_unique<SmtpSession>(rules, open_dialogue, std::move(known), log);
  }
  void holding(Connection&) override { ++held; }
  std::shared_ptr<TlsContext> start_tls(Connection&) override { return nullptr; }
  void hand_over(Connection&) override { ++handed_over; }
  void leave_mta(Connection&) override { ++left_mta; }
  void slowed(Connection&, int change) override { slow += change; }
  void stuttered(std::size_t bytes) override { stuttered_bytes += bytes; }
  void over(Connection&) override { is_over = true; }

  bool readable() const {
    char byte;
    const auto got = ::recv(ends[0], &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got >= 0 || errno != EAGAIN;
  }
  Connection::State state() const { return connection->state(); }

  std::shared_ptr<SmtpConfig> config = std::make_shared<SmtpConfig>();
  std::shared_ptr<SessionRules> rules = std::make_shared<SessionRules>();
  Script script;
  OpenDialogue open_dialogue = [this](Session session, Voice voice) {
    return std::make_unique<ScriptedDialogue>(script, std::move(session), voice);
  };
  FakeLog log;
  int ends[2] = {-1, -1};
  SteadyTime now_{std::chrono::hours{1}};
  TimerWheel wheel_{now_};
  std::optional<Connection> connection;
  std::string opened_for;
  bool waits_to_read = false, waits_to_write = false, waits_for_turn = false, thinking = false, hold_answers = false,
       writable = true, refuse = false;
  bool is_over = false;
  int held = 0, handed_over = 0, left_mta = 0, slow = 0;
  std::size_t stuttered_bytes = 0;
};

}  // namespace deferd::smtp
