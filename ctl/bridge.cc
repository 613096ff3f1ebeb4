// bridge, bridge adopt, bridge reconcile.
#include "ctl/answers.h"
#include "ctl/table.h"

namespace deferd::ctl {

Outcome<void> bridge(const Job& job) {
  const auto& verb = job.arguments.verb;
  if (!verb.empty())
    return print_answer(job, {"POST", "/v1/bridge/" + verb, Value::map(), true}, [&](const Value& answer) {
      job.screen.out << "asked for, tables: " << cell(answer, "tables") << " (see `deferctl bridge`)\n";
    });
  Table table({"table", "state", "wanted", "present", "pending", "foreign", "held", "lag", "helper", "error"}, job.screen);
  return print_rows(job, "/v1/bridge", [&](const Value& row) { return table.add(row); });
}

}  // namespace deferd::ctl
