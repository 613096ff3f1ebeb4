// One connection of an MTA to a milter: from connect() to the answer to RCPT, as Postfix 3.7 does it, then ABORT and QUIT.
#pragma once
#include <sys/un.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "traffic.h"

namespace deferd::bench {

using Steady = std::chrono::steady_clock;

class LoadConnection {
 public:
  enum class Outcome : std::uint8_t { waiting, deferred, passed, failed };

  LoadConnection() = default;
  LoadConnection(const LoadConnection&) = delete;
  LoadConnection& operator=(const LoadConnection&) = delete;
  ~LoadConnection() { close(); }

  /// Connects and begins one transaction. False: the connection was refused.
  bool begin(const sockaddr_un& milter, Mail mail);
  /// To be called when the descriptor is readable. After anything but `waiting` the connection is closed.
  Outcome readable();

  int descriptor() const { return fd_; }
  const Mail& mail() const { return mail_; }
  Steady::time_point begun() const { return begun_; }
  Steady::duration rcpt_took() const { return rcpt_took_; }  ///< RCPT sent until its answer.

 private:
  enum class Stage : std::uint8_t { negotiate, connect, helo, mail, rcpt };
  Outcome answered(char code, std::string_view data);
  bool say_until_an_answer_is_due();
  void say(Stage stage);
  void packet(char command, std::string_view body);
  bool send();
  void close();

  int fd_ = -1;
  Stage stage_ = Stage::negotiate;
  std::uint32_t steps_ = 0;  // what the filter does not want
  Mail mail_;
  std::string out_, in_;
  Steady::time_point begun_, rcpt_sent_;
  Steady::duration rcpt_took_{};
};

}  // namespace deferd::bench
