#include "ctl/answers.h"

#include <optional>

namespace deferd::ctl {

Outcome<void> print_answer(const Job& job, const Question& question, const std::function<void(const Value&)>& in_words) {
  auto answer = job.daemon.ask(question);
  if (!answer) return tl::unexpected(answer.error());
  if (job.arguments.json) {
    job.screen.out << *answer;
    return {};
  }
  auto value = read_json(*answer);
  if (!value) return tl::unexpected(value.error());
  in_words(*value);
  return {};
}

Outcome<void> print_rows(const Job& job, const std::string& target, const std::function<bool(const Value&)>& in_words) {
  std::optional<Failure> failure;
  auto done = job.daemon.each_line(target, [&](std::string_view line) {
    if (job.arguments.json) return static_cast<bool>(job.screen.out << line << '\n');
    auto row = read_json(line);
    if (!row) failure = row.error();
    return row && in_words(*row);
  });
  if (!done) return tl::unexpected(done.error());
  if (failure) return tl::unexpected(std::move(*failure));
  return {};
}

}  // namespace deferd::ctl
