// What would be decided, and what was.
#include "control/api.h"
#include "host/decision_json.h"
#include "host/decision_record.h"
#include "http/json.h"

namespace deferd {
namespace {

/// Without helo, sender or recipient: those of some stranger. Examples of RFC 2606 that are in nobody's lists.
struct ExplainArguments {
  std::optional<std::string> id;
  std::optional<Address> client;
  std::string name;
  std::string helo = "mail.example.com";
  std::string from = "sender@example.com";
  std::string to = "recipient@example.net";
  static Schema<ExplainArguments> schema() {
    return Schema<ExplainArguments>{}
        .field("id", &ExplainArguments::id, "Of a past decision.")
        .field("client", &ExplainArguments::client, "Its address.")
        .field("name", &ExplainArguments::name, "Its verified reverse name.")
        .field("helo", &ExplainArguments::helo, "What it calls itself.")
        .field("from", &ExplainArguments::from, "The sender; empty or <> for the null sender.")
        .field("to", &ExplainArguments::to, "The recipient.")
        .rule([](const ExplainArguments& arguments) {
          return arguments.id.has_value() != arguments.client.has_value() ? "" : "give either 'client' or 'id'";
        });
  }
};

std::string without_brackets(const std::string& address) {
  const bool bracketed = address.size() >= 2 && address.front() == '<' && address.back() == '>';
  return bracketed ? address.substr(1, address.size() - 2) : address;
}

Value told(const Decision& decision, const Session& session, Time when) {
  std::string json;
  append_decision_json(json, decision, session, when);
  return or_throw(parse_json(json));
}

Value explain(const ControlParts& parts, const Session& session, const std::string& rcpt) {
  return told(parts.pipeline.explain(session, rcpt), session, parts.clock.now());
}

struct Known {
  PastDecision past;
  Time when;
};

Result<Known> find_decision(const ControlParts& parts, const std::string& id) {
  parts.pipeline.flush_decisions();  // who asks has just read the id in the log
  auto record = parts.engine.decisions().find(id);
  if (!record && record.error().code == Errc::not_found)
    return fail(Errc::not_found, "no decision '" + id + "' is kept; it is the id= of a line of the log, or too old");
  if (!record) return tl::unexpected(record.error());
  auto past = unpack_decision(record->packed);
  if (!past) return fail(Errc::corrupt, "the record of " + id + " cannot be read: " + past.error().what);
  past->decision.id = id;
  return Known{std::move(*past), record->when};
}

}  // namespace

void ControlApi::add_explain_routes() {
  router_.ask("GET", "/v1/decisions/*", [this](const Call& call) { return past_decision(call.tail); });
  router_.ask("POST", "/v1/explain", [this](const Call& call) -> Result<Value> {
    auto arguments = call.arguments<ExplainArguments>();
    if (!arguments) return tl::unexpected(arguments.error());
    if (arguments->id) return explain_past(*arguments->id);
    Session session;
    session.front_end = "milter";
    session.client = *arguments->client;
    session.client_name = arguments->name;
    session.helo = arguments->helo;
    session.mail_from = without_brackets(arguments->from);
    Value answer = Value::map();
    answer.set("now", explain(parts_, session, without_brackets(arguments->to)));
    return answer;
  });
}

Result<Value> ControlApi::past_decision(const std::string& id) {
  auto known = find_decision(parts_, id);
  if (!known) return tl::unexpected(known.error());
  return told(known->past.decision, known->past.session, known->when);
}

/// "then" is what was recorded; "now" what the running configuration would say, if it was on a recipient.
Result<Value> ControlApi::explain_past(const std::string& id) {
  auto known = find_decision(parts_, id);
  if (!known) return tl::unexpected(known.error());
  auto& [decision, session] = known->past;
  Value answer = Value::map();
  answer.set("then", told(decision, session, known->when));
  if (decision.rcpt.empty()) return answer;
  session.front_end = "milter";
  answer.set("now", explain(parts_, session, decision.rcpt));
  return answer;
}

}  // namespace deferd
