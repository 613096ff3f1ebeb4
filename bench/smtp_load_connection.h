// One client of an SMTP front end, for measuring: from connect() to the reply to QUIT, or silent for as long as it is left alone.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace deferd::bench {

using Steady = std::chrono::steady_clock;

/// Number `n` of the many loopback addresses; neighbours lie in different /24 networks. In network byte order.
std::uint32_t loopback_source(std::uint64_t n);

class SmtpLoadConnection {
 public:
  enum class Outcome : std::uint8_t {
    waiting,
    done,    ///< QUIT was answered, or the server hung up after it had refused the message.
    failed,  ///< Hung up on, or told something that makes no sense.
  };

  SmtpLoadConnection() = default;
  SmtpLoadConnection(const SmtpLoadConnection&) = delete;
  SmtpLoadConnection& operator=(const SmtpLoadConnection&) = delete;
  ~SmtpLoadConnection() { close(); }

  /// Begins to connect from source `n` to 127.0.0.1. `talks`: goes through a dialogue; else it only listens. False: refused.
  bool begin(std::uint16_t port, std::uint64_t n, bool talks);
  /// The descriptor can be read. Anything but `waiting` closes it.
  Outcome readable();
  void close();

  bool is_open() const { return socket_ >= 0; }
  int descriptor() const { return socket_; }
  std::uint64_t bytes() const { return bytes_; }
  Steady::time_point begun() const { return begun_; }
  Steady::time_point first_byte() const { return first_byte_; }  ///< If there are any.
  bool deferred() const { return deferred_; }                    ///< Some reply to RCPT or DATA was 4xx.

 private:
  enum class Stage : std::uint8_t { banner, helo, mail, rcpt, data, quit };
  Outcome replied(int code);
  bool say(Stage stage, std::string_view line);

  int socket_ = -1;
  Stage stage_ = Stage::banner;
  bool talks_ = false, deferred_ = false;
  std::uint64_t number_ = 0, bytes_ = 0;
  std::string line_;
  Steady::time_point begun_, first_byte_;
};

}  // namespace deferd::bench
