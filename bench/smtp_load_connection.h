// One client of an SMTP front end, for measuring: from connect() to the end of its dialogue, or silent for as long as it is left
// alone.
#pragma once
#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace deferd::bench {

using Steady = std::chrono::steady_clock;

inline double seconds_of(Steady::duration duration) { return std::chrono::duration<double>(duration).count(); }

struct SmtpClient {
  sockaddr_storage source{};  ///< Of which family decides whether 127.0.0.1 or ::1 is called.
  std::string sender, recipient;
};

/// Client number `n`, from one of the many addresses of 127.0.0.0/8; neighbours lie in different /24 networks.
SmtpClient loopback_client(std::uint64_t n);

class SmtpLoadConnection {
 public:
  enum class Role : std::uint8_t {
    talks,      ///< Goes through the whole dialogue.
    hesitates,  ///< The same, but says nothing after the reply to MAIL until go_on().
    listens,    ///< Says nothing at all.
  };
  enum class Outcome : std::uint8_t {
    waiting,
    done,    ///< QUIT was answered, or the server hung up after it had refused the message.
    failed,  ///< Hung up on, refused (see last_code()), or told something that makes no sense.
  };

  SmtpLoadConnection() = default;
  SmtpLoadConnection(const SmtpLoadConnection&) = delete;
  SmtpLoadConnection& operator=(const SmtpLoadConnection&) = delete;
  ~SmtpLoadConnection() { close(); }

  /// Begins to connect. False: there is no socket for it, or it was refused at once.
  bool begin(std::uint16_t port, const SmtpClient& client, Role role);
  /// The descriptor can be read. Anything but `waiting` closes it.
  Outcome readable();
  Outcome go_on();
  void close();

  bool is_open() const { return socket_ >= 0; }
  int descriptor() const { return socket_; }
  std::uint64_t bytes() const { return bytes_; }
  Steady::time_point begun() const { return begun_; }
  Steady::time_point first_byte() const { return first_byte_; }  ///< If there are any.
  Steady::duration longest_gap() const { return longest_gap_; }  ///< Between bytes.
  bool hesitating() const { return hesitating_; }
  bool deferred() const { return deferred_; }            ///< Some reply to RCPT, DATA or the message was 4xx.
  int last_code() const { return last_code_; }           ///< Of the last whole reply; 0: none.
  Steady::duration slowest() const { return slowest_; }  ///< Of its whole replies, the banner among them, the longest awaited.
  Steady::time_point asked() const { return asked_; }    ///< The reply awaited now is awaited since.

 private:
  enum class Stage : std::uint8_t { banner, helo, mail, rcpt, data, message, quit };
  Outcome replied(int code);
  Outcome say(Stage stage, std::string_view line);

  int socket_ = -1;
  Stage stage_ = Stage::banner;
  Role role_ = Role::talks;
  bool hesitating_ = false, deferred_ = false;
  int last_code_ = 0;
  std::uint64_t bytes_ = 0;
  SmtpClient client_;
  std::string line_;
  Steady::time_point begun_, first_byte_, last_byte_, asked_;
  Steady::duration slowest_{}, longest_gap_{};
};

}  // namespace deferd::bench
