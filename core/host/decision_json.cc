#include "host/decision_json.h"

#include "base/json_writer.h"

namespace deferd {
namespace {

void write_known(JsonWriter& json, std::string_view key, const std::string& text) {
  if (!text.empty()) json.key(key).text(text);
}

void write_times(JsonWriter& json, Time due, Duration waited) {
  if (due != Time{}) json.key("due").text(format_time(due));
  if (waited != Duration{}) json.key("waited").integer(waited.count());
}

void write_answer(JsonWriter& json, const Answer& answer) {
  json.begin_object();
  json.key("plugin").text(answer.plugin);
  json.key("stage").text(to_string(answer.stage));
  json.key("action").text(to_string(answer.verdict.action));
  write_known(json, "reason", answer.verdict.reason);
  if (!answer.verdict.tags.empty()) {
    json.key("tags").begin_list();
    for (const auto& tag : answer.verdict.tags) json.text(tag);
    json.end_list();
  }
  write_times(json, answer.verdict.due, answer.verdict.waited);
  if (answer.shadow) json.key("shadow").boolean(true);
  write_known(json, "fault", answer.fault);
  json.end_object();
}

void write_reply(JsonWriter& json, const Reply& reply) {
  json.begin_object();
  json.key("code").integer(reply.code);
  write_known(json, "enhanced", reply.enhanced);
  write_known(json, "text", reply.text);
  json.end_object();
}

}  // namespace

void append_decision_json(std::string& out, const Decision& decision, const Session& session, Time when) {
  const Verdict& verdict = decision.verdict;
  JsonWriter json(out);
  json.begin_object();
  write_known(json, "id", decision.id);
  if (when != Time{}) json.key("when").text(format_time(when));
  json.key("stage").text(to_string(decision.stage));
  json.key("client").text(session.client.to_string());
  write_known(json, "name", session.client_name);
  write_known(json, "auth", session.auth);
  write_known(json, "helo", session.helo);
  json.key("from").text(session.mail_from);
  write_known(json, "rcpt", decision.rcpt);
  json.key("action").text(to_string(verdict.action));
  write_known(json, "plugin", decision.plugin);
  write_known(json, "reason", verdict.reason);
  if (verdict.reply.code != 0) {
    json.key("reply");
    write_reply(json, verdict.reply);
  }
  write_times(json, verdict.due, decision.waited);
  json.key("trace").begin_list();
  for (const auto& answer : decision.trace) write_answer(json, answer);
  json.end_list();
  json.end_object();
}

}  // namespace deferd
