#include "pfbridge/pfbridge.h"

#include <algorithm>

namespace deferd::pfbridge {

PfBridge::PfBridge(Config config, Host& host) : host_(host), lease_(config.lease) {
  const auto settings = Settings::of(config);
  watcher_.emplace(std::move(config.watch), host);
  runner_ = Runner::of(settings, host);
  runner_->lend(host, &*watcher_);
}

PfBridge::~PfBridge() { runner_->give_back(host_); }

void PfBridge::on_decided(Context& context, const Decision& decision) {
  // A client of the SMTP front end cannot deliver its mail here. Who is let in because nobody could judge him would come back to
  // us for ever while that lasts.
  if (lease_ == Duration::zero() || context.dry() || context.session().front_end != "smtp") return;
  if (!decision.lets_through() || decision.verdict.action != Action::pass) return;
  const bool failed = std::any_of(decision.trace.begin(), decision.trace.end(),
                                  [](const Answer& answer) { return !answer.shadow && !answer.fault.empty(); });
  if (failed) runner_->lease(context.session().client, lease_);
}

Result<void> PfBridge::on_command(Context&, std::string_view command, const Value&, Rows& rows) {
  if (command == "bridge") {
    for (const Value& row : runner_->rows())
      if (!rows.row(row)) break;
    return {};
  }
  if (command != "bridge-adopt" && command != "bridge-reconcile")
    return fail(Errc::not_found, "no such command: " + std::string(command));
  Value row = Value::map();
  row.set("tables", command == "bridge-adopt" ? runner_->adopt() : runner_->read_back());
  rows.row(row);
  return {};
}

}  // namespace deferd::pfbridge
