#include "host/decision_value.h"

namespace deferd {
namespace {

void set_text(Value& map, std::string_view key, const std::string& text) {
  if (!text.empty()) map.set(key, text);
}

void set_times(Value& map, const Verdict& verdict, Duration waited) {
  if (verdict.due != Time{}) map.set("due", format_time(verdict.due));
  if (waited != Duration{}) map.set("waited", static_cast<std::int64_t>(waited.count()));
}

Value answer_value(const Answer& answer) {
  Value map = Value::map();
  map.reserve(9);
  map.set("plugin", answer.plugin);
  map.set("stage", to_string(answer.stage));
  map.set("action", to_string(answer.verdict.action));
  set_text(map, "reason", answer.verdict.reason);
  if (!answer.verdict.tags.empty()) {
    Value& tags = map.set("tags", Value::list());
    for (const auto& tag : answer.verdict.tags) tags.append(tag);
  }
  set_times(map, answer.verdict, answer.verdict.waited);
  if (answer.shadow) map.set("shadow", true);
  set_text(map, "fault", answer.fault);
  return map;
}

Value reply_value(const Reply& reply) {
  Value map = Value::map();
  map.set("code", reply.code);
  set_text(map, "enhanced", reply.enhanced);
  set_text(map, "text", reply.text);
  return map;
}

}  // namespace

Value decision_value(const Decision& decision, const Session& session, Time when) {
  const Verdict& verdict = decision.verdict;
  Value map = Value::map();
  map.reserve(16);
  set_text(map, "id", decision.id);
  if (when != Time{}) map.set("when", format_time(when));
  map.set("stage", to_string(decision.stage));
  map.set("client", session.client.to_string());
  set_text(map, "name", session.client_name);
  set_text(map, "auth", session.auth);
  set_text(map, "helo", session.helo);
  map.set("from", session.mail_from);
  set_text(map, "rcpt", decision.rcpt);
  map.set("action", to_string(verdict.action));
  set_text(map, "plugin", decision.plugin);
  set_text(map, "reason", verdict.reason);
  if (verdict.reply.code != 0) map.set("reply", reply_value(verdict.reply));
  set_times(map, verdict, decision.waited);
  Value& trace = map.set("trace", Value::list());
  trace.reserve(decision.trace.size());
  for (const auto& answer : decision.trace) trace.append(answer_value(answer));
  return map;
}

}  // namespace deferd
