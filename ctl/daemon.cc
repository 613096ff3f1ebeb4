#include "ctl/daemon.h"

#include <unistd.h>

#include <cerrno>
#include <optional>

#include "http/client.h"
#include "http/error_body.h"
#include "http/json.h"

namespace deferd::ctl {
namespace {

constexpr std::size_t kLongestLine = 1024 * 1024;

ExitCode exit_code_of(Errc code) {
  switch (code) {
    case Errc::not_found:
      return kNothing;
    case Errc::invalid:
      return kRefused;
    case Errc::conflict:
    case Errc::busy:
    case Errc::unavailable:
    case Errc::cursor_too_old:
      return kTryAgain;
    case Errc::io:
    case Errc::corrupt:
      return kFailed;
  }
  return kFailed;
}

/// The daemon's own words in {"error": ..., "code": ...}.
std::optional<Failure> told_failure(std::string_view body) {
  auto value = parse_json(body);
  if (!value || !value->is_map()) return std::nullopt;
  const Value* error = value->find("error");
  const Value* code = value->find("code");
  if (error == nullptr || code == nullptr || !error->is_text() || !code->is_text()) return std::nullopt;
  return Failure{exit_code_of(code_named(code->text())), error->text()};
}

Failure refusal(const HttpAnswer& answer) {
  if (auto told = told_failure(answer.body)) return std::move(*told);
  return {kBrokeOff, "this is no answer of deferd: HTTP status " + std::to_string(answer.status)};
}

/// Cuts pieces into lines.
class Lines {
 public:
  explicit Lines(const std::function<bool(std::string_view)>& take) : take_(take) {}

  bool add(std::string_view piece) {
    while (!piece.empty()) {
      const auto end = piece.find('\n');
      if (rest_.size() + std::min(end, piece.size()) > kLongestLine)
        return stop({kBrokeOff, "a line of the answer is longer than any of deferd's"});
      rest_ += piece.substr(0, end);
      if (end == std::string_view::npos) return true;
      piece.remove_prefix(end + 1);
      if (!line()) return false;
      rest_.clear();
    }
    return true;
  }
  std::size_t count() const { return count_; }
  const std::optional<Failure>& failure() const { return failure_; }

 private:
  bool line() {
    // A list that could not be finished says so in its last line.
    if (rest_.starts_with("{\"error\":"))
      if (auto told = told_failure(rest_)) return stop(std::move(*told));
    ++count_;
    return take_(rest_);
  }
  bool stop(Failure failure) {
    failure_ = std::move(failure);
    return false;
  }

  const std::function<bool(std::string_view)>& take_;
  std::string rest_;
  std::size_t count_ = 0;
  std::optional<Failure> failure_;
};

}  // namespace

Failure Daemon::unreachable(const Error& error) const {
  if (::access(socket_.c_str(), W_OK) != 0 && errno == EACCES)
    return {kNotPermitted, "you may not use " + socket_ + ": ask for membership of its group, or become root"};
  switch (error.code) {
    case Errc::unavailable:
      return {kUnreachable, "no deferd answers on " + socket_ + ": is it running? try `deferctl -s ./var/control.sock status`"};
    case Errc::busy:
      return {kTryAgain, error.what};
    case Errc::invalid:
      return {kUsage, error.what};
    default:
      return {kBrokeOff, error.what};
  }
}

Outcome<std::string> Daemon::ask(const Question& question) const {
  HttpCall call{question.method, question.target, {}, {}};
  if (!question.body.is_null()) call.body = question.body.to_json();
  call.patience = std::chrono::seconds(question.may_take_long ? 0 : 60);
  auto answer = http_call(socket_, call);
  if (!answer) return tl::unexpected(unreachable(answer.error()));
  if (answer->status != 200) return tl::unexpected(refusal(*answer));
  return std::move(answer->body);
}

Outcome<Value> Daemon::ask_value(const Question& question) const {
  auto answer = ask(question);
  if (!answer) return tl::unexpected(answer.error());
  return read_json(*answer);
}

Outcome<std::size_t> Daemon::each_line(const std::string& target, const std::function<bool(std::string_view)>& take) const {
  Lines lines(take);
  HttpCall call{"GET", target, {}, std::chrono::seconds(60)};
  auto answer = http_call(socket_, call, [&](std::string_view piece) { return lines.add(piece); });
  if (!answer) return tl::unexpected(unreachable(answer.error()));
  if (answer->status != 200) return tl::unexpected(refusal(*answer));
  if (lines.failure()) return tl::unexpected(*lines.failure());
  return lines.count();
}

Outcome<Value> read_json(std::string_view text) {
  auto value = parse_json(text);
  if (!value) return tl::unexpected(Failure{kBrokeOff, "this is no answer of deferd: " + value.error().what});
  return std::move(*value);
}

}  // namespace deferd::ctl
