// bridge, bridge adopt, bridge reconcile.
#include <optional>

#include "ctl/commands.h"
#include "ctl/table.h"

namespace deferd::ctl {
namespace {

Outcome<void> show_tables(const Job& job) {
  Table table({"table", "state", "wanted", "present", "pending", "foreign", "held", "lag", "helper", "error"}, job.screen);
  std::optional<Failure> failure;
  auto done = job.daemon.each_line("/v1/bridge", [&](std::string_view line) {
    if (job.arguments.json) return static_cast<bool>(job.screen.out << line << '\n');
    auto row = read_json(line);
    if (!row) failure = row.error();
    return row && table.add(*row);
  });
  if (!done) return tl::unexpected(done.error());
  if (failure) return tl::unexpected(std::move(*failure));
  return {};
}

}  // namespace

Outcome<void> bridge(const Job& job) {
  if (job.arguments.verb.empty()) return show_tables(job);
  auto answer = job.daemon.ask({"POST", "/v1/bridge/" + job.arguments.verb, Value::map(), true});
  if (!answer) return tl::unexpected(answer.error());
  if (job.arguments.json) {
    job.screen.out << *answer;
    return {};
  }
  auto row = read_json(*answer);
  if (!row) return tl::unexpected(row.error());
  job.screen.out << "asked for, tables: " << cell(*row, "tables") << " (see `deferctl bridge`)\n";
  return {};
}

}  // namespace deferd::ctl
