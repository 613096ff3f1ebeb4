// What would be decided, and what was.
#include "control/api.h"
#include "host/decision_json.h"
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

std::string text_of(const Value& map, std::string_view key) {
  const Value* value = map.find(key);
  return value != nullptr && value->is_text() ? value->text() : std::string();
}

Value explain(const ControlParts& parts, const Session& session, const std::string& rcpt) {
  std::string json;
  append_decision_json(json, parts.pipeline.explain(session, rcpt), session, parts.clock.now());
  return or_throw(parse_json(json));  // as what was recorded is read
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
  parts_.pipeline.flush_decisions();  // who asks has just read the id in the log
  auto record = parts_.engine.decisions().find(id);
  if (!record && record.error().code == Errc::not_found)
    return fail(Errc::not_found, "no decision '" + id + "' is kept; it is the id= of a line of the log, or too old");
  if (!record) return tl::unexpected(record.error());
  auto value = parse_json(record->json);
  if (!value) return fail(Errc::corrupt, "the record of " + id + " cannot be read: " + value.error().what);
  if (value->find("when") == nullptr) value->set("when", format_time(record->when));
  return value;
}

/// "then" is what was recorded; "now" what the running configuration would say, if it was on a recipient.
Result<Value> ControlApi::explain_past(const std::string& id) {
  auto past = past_decision(id);
  if (!past) return past;
  auto client = Address::parse(text_of(*past, "client"));
  if (!client) return fail(Errc::corrupt, "the record of " + id + " has no client");
  Value answer = Value::map();
  answer.set("then", *past);
  const std::string rcpt = text_of(*past, "rcpt");
  if (rcpt.empty()) return answer;
  Session session;
  session.front_end = "milter";
  session.client = *client;
  session.client_name = text_of(*past, "name");
  session.helo = text_of(*past, "helo");
  session.auth = text_of(*past, "auth");
  session.mail_from = text_of(*past, "from");
  answer.set("now", explain(parts_, session, rcpt));
  return answer;
}

}  // namespace deferd
