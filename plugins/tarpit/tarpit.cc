#include "tarpit.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace deferd::tarpit {
namespace {

// What was looked up for this transaction. Lives in the Context's slot, from MAIL to the next MAIL.
struct Known {
  bool held = false;  // once held, to the end of the transaction: a recipient's tags are gone at DATA
  std::optional<bool> in_table;
  std::optional<bool> white;
};

bool contains(Context& context, std::string_view table) {
  return or_throw(context.tables().find(table, context.session().client)).row.has_value();
}

bool is_white(Context& context) {
  auto& white = context.state<Known>().white;
  if (!white) white = contains(context, kWhite);
  return *white;
}

Counter& counter(Host& host, std::string_view how) {
  return host.counter("deferd_tarpit_slowed_total", {{"how", how}}, "Decisions that clients heard slowly, by how.");
}

}  // namespace

Tarpit::Tarpit(Config config, Host& host)
    : config_(std::move(config)),
      held_(counter(host, "held")),
      stuttered_(counter(host, "stuttered")),
      delayed_(counter(host, "delayed")) {}

bool Tarpit::is_held(Context& context) const {
  auto& known = context.state<Known>();
  if (known.held) return true;
  const auto& tags = config_.hold.tags;
  known.held = std::any_of(tags.begin(), tags.end(), [&](const auto& tag) { return context.session().tagged(tag); });
  if (known.held) return true;
  if (!known.in_table) {
    const auto& tables = config_.hold.tables;
    known.in_table = std::any_of(tables.begin(), tables.end(), [&](const auto& table) { return contains(context, table); });
  }
  known.held = *known.in_table;
  return known.held;
}

Pace Tarpit::on_reply(Context& context, const Decision& decision) {
  // Before a recipient is named, no opinion is no leave to pass.
  const bool open = decision.stage < Stage::rcpt && decision.verdict.action == Action::pass;
  const bool refused = !decision.lets_through();
  Pace pace;
  if (!refused && !open) return pace;
  if (refused) pace.delay = config_.delay;

  Counter* how = pace.delay.count() > 0 ? &delayed_ : nullptr;
  if (context.session().front_end != "milter") {  // which can only delay: no look-ups for nothing
    if (is_held(context)) {
      pace.per_byte = config_.hold.per_byte;
      pace.hold = refused;
      how = &held_;
    } else if (config_.strangers.per_byte.count() > 0 && !is_white(context)) {
      pace.per_byte = config_.strangers.per_byte;
      pace.during = config_.strangers.during;
      how = &stuttered_;
    }
  }
  if (how != nullptr && !context.dry()) how->add();
  return pace;
}

}  // namespace deferd::tarpit
