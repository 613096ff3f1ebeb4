// lists, lists refresh, lists test.
#include "ctl/commands.h"
#include "ctl/table.h"
#include "http/url.h"

namespace deferd::ctl {
namespace {

/// Each line of an answer: as it is for programs, else what `print` makes of it.
Outcome<void> each_row(const Job& job, const std::string& target, const std::function<bool(const Value&)>& print) {
  std::optional<Failure> failure;
  auto done = job.daemon.each_line(target, [&](std::string_view line) {
    if (job.arguments.json) return static_cast<bool>(job.screen.out << line << '\n');
    auto row = read_json(line);
    if (!row) failure = row.error();
    return row && print(*row);
  });
  if (!done) return tl::unexpected(done.error());
  if (failure) return tl::unexpected(std::move(*failure));
  return {};
}

Outcome<void> show_lists(const Job& job) {
  Table table({"list", "action", "entries", "covers", "age", "next", "state", "loading", "error"}, job.screen);
  return each_row(job, "/v1/lists", [&](const Value& row) { return table.add(row); });
}

Outcome<void> refresh_list(const Job& job) {
  Question question{"POST", "/v1/lists/refresh", Value::map(), true};
  question.body.set("list", job.arguments.what);
  auto answer = job.daemon.ask(question);
  if (!answer) return tl::unexpected(answer.error());
  if (job.arguments.json) {
    job.screen.out << *answer;
    return {};
  }
  auto row = read_json(*answer);
  if (!row) return tl::unexpected(row.error());
  job.screen.out << cell(*row, "list") << " has " << cell(*row, "entries") << " entries, " << cell(*row, "covers") << '\n';
  return {};
}

Outcome<void> test_lists(const Job& job) {
  bool any = false;
  Table table({"list", "action", "line", "entry", "but_white_by", "source"}, job.screen);
  auto done = each_row(job, "/v1/lists/test?address=" + percent_encode(job.arguments.what), [&](const Value& row) {
    any = true;
    return table.add(row);
  });
  table.finish();
  if (done && !any && !job.arguments.json) job.screen.out << cell(Value(job.arguments.what)) << " is on no list\n";
  return done;
}

}  // namespace

Outcome<void> lists(const Job& job) {
  if (job.arguments.verb == "refresh") return refresh_list(job);
  if (job.arguments.verb == "test") return test_lists(job);
  return show_lists(job);
}

}  // namespace deferd::ctl
