// The daemon as deferctl sees it: questions to its control socket.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "ctl/exit_code.h"
#include "deferd/value.h"

namespace deferd::ctl {

struct Question {
  std::string method = "GET";
  std::string target;
  Value body{};                ///< Null: none.
  bool may_take_long = false;  ///< Wait for as long as the daemon works.
};

class Daemon {
 public:
  explicit Daemon(std::string socket) : socket_(std::move(socket)) {}

  /// One answer, as the daemon wrote it.
  Outcome<std::string> ask(const Question& question) const;
  /// One answer, read.
  Outcome<Value> ask_value(const Question& question) const;

  /// Each line of a list as it comes; `take` returns false to stop. Returns how many lines there were. Only what is under way is
  /// in memory.
  Outcome<std::size_t> each_line(const std::string& target, const std::function<bool(std::string_view line)>& take) const;

 private:
  Failure unreachable(const Error& error) const;

  std::string socket_;
};

/// The JSON of a line or an answer. Fails with kBrokeOff.
Outcome<Value> read_json(std::string_view text);

}  // namespace deferd::ctl
