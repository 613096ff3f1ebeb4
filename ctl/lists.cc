// lists, lists refresh, lists test.
#include "ctl/answers.h"
#include "ctl/table.h"
#include "http/url.h"

namespace deferd::ctl {
namespace {

Outcome<void> show_lists(const Job& job) {
  Table table({"list", "action", "entries", "covers", "age", "next", "state", "loading", "error"}, job.screen);
  return print_rows(job, "/v1/lists", [&](const Value& row) { return table.add(row); });
}

Outcome<void> refresh_list(const Job& job) {
  Question question{"POST", "/v1/lists/refresh", Value::map(), true};
  question.body.set("list", job.arguments.what);
  return print_answer(job, question, [&](const Value& list) {
    job.screen.out << cell(list, "list") << " has " << cell(list, "entries") << " entries, " << cell(list, "covers") << '\n';
  });
}

Outcome<void> test_lists(const Job& job) {
  bool any = false;
  Table table({"list", "action", "line", "entry", "but_white_by", "source"}, job.screen);
  auto done = print_rows(job, "/v1/lists/test?address=" + percent_encode(job.arguments.what), [&](const Value& row) {
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
