// What plugins answer themselves: grey entries, lists, show, release, expect.
#include "control/api.h"
#include "control/table_rows.h"
#include "http/json.h"

namespace deferd {
namespace {

constexpr std::size_t kLongestAddress = 512;  // RFC 5321 section 4.5.3.1 allows 320

struct ReleaseArguments {
  std::string id;
  static Schema<ReleaseArguments> schema() {
    return Schema<ReleaseArguments>{}.required("id", &ReleaseArguments::id, "Of a past decision.");
  }
};

struct ExpectArguments {
  std::string to;
  std::optional<std::string> from_domain;
  Duration duration{};
  static Schema<ExpectArguments> schema() {
    return Schema<ExpectArguments>{}
        .required("to", &ExpectArguments::to, "The recipient.")
        .field("from_domain", &ExpectArguments::from_domain, "Only from senders of this domain.")
        .required("for", &ExpectArguments::duration, "For how long.")
        .rule([](const ExpectArguments& arguments) -> std::string {
          if (arguments.to.empty() || arguments.to.size() > kLongestAddress) return "to: not a mail address";
          if (arguments.duration <= Duration::zero() || arguments.duration > std::chrono::days(7))
            return "for: must be longer than nothing and at most 7d";
          return {};
        });
  }
};

struct RefreshArguments {
  std::string list;
  static Schema<RefreshArguments> schema() {
    return Schema<RefreshArguments>{}.required("list", &RefreshArguments::list, "Its name.");
  }
};

/// What few rows a command that changes something answers.
class KeptRows : public Rows {
 public:
  bool row(const Value& row) override {
    if (list.size() < 100) list.append(row);
    return true;
  }
  Value list = Value::list();
};

}  // namespace

void ControlApi::add_plugin_routes() {
  router_.stream("/v1/grey", [this](const Call&, LineWriter& lines) {
    return parts_.pipeline.command("", "list-grey", Value::map(), lines);
  });
  router_.stream("/v1/lists",
                 [this](const Call&, LineWriter& lines) { return parts_.pipeline.command("", "lists", Value::map(), lines); });
  router_.stream("/v1/lists/test", [this](const Call& call, LineWriter& lines) -> Result<void> {
    auto address = call.parameter("address");
    if (!address) return tl::unexpected(address.error());
    Value question = Value::map();
    question.set("address", *address);
    return parts_.pipeline.command("", "lists-test", question, lines);
  });
  router_.change("POST", "/v1/lists/refresh", [this](const Call& call) -> Result<Value> {
    auto arguments = call.arguments<RefreshArguments>();
    if (!arguments) return tl::unexpected(arguments.error());
    Value question = Value::map();
    question.set("list", arguments->list);
    KeptRows rows;
    if (auto asked = parts_.pipeline.command("", "lists-refresh", question, rows); !asked) return tl::unexpected(asked.error());
    return rows.list.size() > 0 ? rows.list.items().front() : question;
  });
  router_.stream("/v1/bridge",
                 [this](const Call&, LineWriter& lines) { return parts_.pipeline.command("", "bridge", Value::map(), lines); });
  for (const char* what : {"adopt", "reconcile"})
    router_.change("POST", std::string("/v1/bridge/") + what, [this, what](const Call&) -> Result<Value> {
      KeptRows rows;
      auto asked = parts_.pipeline.command("", std::string("bridge-") + what, Value::map(), rows);
      if (!asked) return tl::unexpected(asked.error());
      return rows.list.size() > 0 ? rows.list.items().front() : Value::map();
    });
  router_.stream("/v1/show", [this](const Call& call, LineWriter& lines) { return show(call, lines); });
  router_.change("POST", "/v1/release", [this](const Call& call) { return release(call); });
  router_.change("POST", "/v1/expect", [this](const Call& call) -> Result<Value> {
    auto arguments = call.arguments<ExpectArguments>();
    if (!arguments) return tl::unexpected(arguments.error());
    Value question = Value::map();
    question.set("to", arguments->to);
    if (arguments->from_domain) question.set("from_domain", *arguments->from_domain);
    question.set("for", format_duration(arguments->duration));
    KeptRows rows;
    if (auto asked = parts_.pipeline.command("", "expect", question, rows); !asked) return tl::unexpected(asked.error());
    question.set("until", format_time(parts_.clock.now() + arguments->duration));
    return question;
  });
}

Result<void> ControlApi::show(const Call& call, LineWriter& lines) {
  auto key = call.parameter("key");
  if (!key) return tl::unexpected(key.error());
  if (key->empty() || key->size() > kLongestAddress) return fail(Errc::invalid, "key: an address, a prefix or a mail address");
  auto prefix = Prefix::parse(*key);
  if (!prefix && key->find('@') == std::string::npos) return tl::unexpected(prefix.error());
  if (prefix)
    for (const std::string_view table : {kWhite, kTrapped})
      if (auto shown = show_table(parts_.engine.tables(), table, *prefix, lines); !shown) return shown;
  Value question = Value::map();
  question.set("key", prefix ? prefix->to_string() : *key);
  auto asked = parts_.pipeline.command("", "show", question, lines);
  if (!asked && asked.error().code != Errc::not_found) return asked;
  if (lines.count() == 0) return fail(Errc::not_found, "nothing is known of " + *key);
  return {};
}

Result<Value> ControlApi::release(const Call& call) {
  auto arguments = call.arguments<ReleaseArguments>();
  if (!arguments) return tl::unexpected(arguments.error());
  auto past = past_decision(arguments->id);
  if (!past) return past;
  const Value* rcpt = past->find("rcpt");
  if (rcpt == nullptr) return fail(Errc::invalid, arguments->id + " was no decision on a recipient");
  if (const Value* action = past->find("action"); action == nullptr || action->text() != "defer")
    return fail(Errc::invalid, arguments->id + " was not deferred");
  Value question = Value::map();
  for (const char* key : {"client", "helo", "from"})
    if (const Value* value = past->find(key)) question.set(key, *value);
  question.set("to", *rcpt);
  KeptRows rows;
  if (auto asked = parts_.pipeline.command("", "release", question, rows); !asked) return tl::unexpected(asked.error());
  return question;
}

}  // namespace deferd
