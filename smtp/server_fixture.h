// For tests: an SmtpServer with scripted dialogues, and clients that say lines and wait for replies.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "deferd/testing/fake_log.h"
#include "net/testing_socket.h"
#include "smtp/handover_offer.h"
#include "smtp/scripted_dialogue.h"
#include "smtp/smtp_server.h"

namespace deferd::smtp {

/// Waits for 20 s at most for whatever it waits.
class TestClient {
 public:
  /// `where`: as SmtpServer::listening() has it.
  explicit TestClient(const std::string& where, const std::string& from = {});
  ~TestClient() { close(); }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  void send(std::string_view bytes);
  std::string reply();  ///< The next whole one, lines joined by `|`, without line ends; "(closed)", "(reset)", "(silent)".
  std::string ask(std::string_view line);  ///< send() with a line end, and reply().
  bool hears_nothing_for(std::chrono::milliseconds time);
  std::string bytes(std::size_t count);  ///< So many.
  void finish_sending();
  void close();
  int descriptor() const { return socket_; }

 private:
  bool fill();  // false: the end

  int socket_;
  std::string arrived_;
  std::string end_ = "(silent)";
};

/// Opens once, for whoever waits.
class Latch {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

class ServerFixture : public ::testing::Test {
 protected:
  ServerFixture();

  void open();   ///< Binds `addresses`, and serves nobody yet.
  void start();  ///< With `addresses`, `config`, `rules`; those of open() after it.
  void configure();
  std::string where(std::size_t which = 0) const { return server->listening().at(which); }
  /// One that heard the banner.
  std::unique_ptr<TestClient> client(const std::string& from = {});
  /// One that has said MAIL.
  std::unique_ptr<TestClient> introduced(const std::string& from = {});
  void wait_for(const std::function<bool()>& condition, std::string_view what) const;
  std::uint64_t value(std::string_view metric) const { return metrics.value(metric); }
  std::string gauge(std::string_view metric) const;

  SocketFolder folder;
  SystemClock clock;
  FakeLog log;
  Metrics metrics;
  Script script;
  SmtpConfig config;
  bool tls_offered = false;
  bool handover = false;
  std::shared_ptr<TlsContext> tls;
  StartHandover hand_over;
  std::vector<SmtpAddress> addresses;
  std::vector<Bound> bound;
  std::mutex rules_mutex;
  std::shared_ptr<const SessionRules> rules;
  std::unique_ptr<SmtpServer> server;
};

}  // namespace deferd::smtp
