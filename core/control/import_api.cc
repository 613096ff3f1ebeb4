// Many records at once, as other programs' databases have them: POST /v1/import. And trap addresses, one by one.
//
// {"dry": true, "replace": true, "part": 1,
//  "white": [[prefix, first, expires, source, evidence, note], ...], "trapped": likewise,
//  "traps": [[address, added], ...], "grey": [[client, helo, from, to, first, pass, expires, tries], ...]}
//
// Times are seconds since 1970; `first` 0 is now, `expires` "never" is never. The answer counts: {"white": {"added": 1, "kept":
// 0, "expired": 0}, ...}. What is there already and lasts as long is kept, so that the same may be sent again. `replace`: rows of
// tables take the place of those there, whatever these say. `part`: of those that belong together the first alone is logged.
#include <array>

#include "control/api.h"
#include "control/table_rows.h"

namespace deferd {
namespace {

struct Counts {
  std::int64_t added = 0, kept = 0, expired = 0;
  Value value() const {
    Value map = Value::map();
    map.set("added", added);
    map.set("kept", kept);
    map.set("expired", expired);
    return map;
  }
};

/// The rows of one member of the body; none if it is absent.
Result<std::vector<const Value*>> rows_of(const Value& body, std::string_view name, std::size_t width) {
  std::vector<const Value*> rows;
  const Value* list = body.find(name);
  if (list == nullptr) return rows;
  if (!list->is_list()) return fail(Errc::invalid, std::string(name) + ": must be a list");
  for (const Value& row : list->items()) {
    bool texts = row.is_list() && row.size() == width;
    for (std::size_t i = 0; texts && i < width; ++i) texts = row.items()[i].is_text();
    if (!texts)
      return fail(Errc::invalid, std::string(name) + "[" + std::to_string(rows.size()) + "]: must be a list of " +
                                     std::to_string(width) + " texts or numbers");
    rows.push_back(&row);
  }
  return rows;
}

Result<Time> time_of(const Value& value) {
  if (value.text() == "never") return Time::max();
  constexpr std::int64_t kMost = 253'402'300'799;  // the end of the year 9999
  auto seconds = detail::parse_integer(value.text());
  if (!seconds || *seconds < 0 || *seconds > kMost)
    return fail(Errc::invalid, detail::quote(value.text()) + ": must be seconds since 1970");
  return Time(Duration(*seconds));
}

Result<TableRow> table_row(const Value& row, Time now) {
  TableRow made;
  auto prefix = Prefix::parse(row.items()[0].text());
  if (!prefix) return tl::unexpected(prefix.error());
  auto first = time_of(row.items()[1]);
  auto expires = time_of(row.items()[2]);
  if (!first || !expires) return tl::unexpected(!first ? first.error() : expires.error());
  made.prefix = *prefix;
  made.added = *first == Time{} ? now : *first;
  made.expires = *expires;
  made.source = row.items()[3].text();
  made.evidence = row.items()[4].text();
  made.note = row.items()[5].text();
  return made;
}

Result<Counts> import_rows(const ControlParts& parts, std::string_view table, const Call& call, bool dry, bool replace) {
  auto rows = rows_of(call.body, table, 6);
  if (!rows) return tl::unexpected(rows.error());
  const Time now = parts.clock.now();
  std::vector<TableRow> made;
  for (const Value* row : *rows) {
    auto one = table_row(*row, now);
    if (!one) return tl::unexpected(one.error());
    made.push_back(std::move(*one));
  }
  Tables& tables = parts.engine.tables();
  Counts counts;
  for (const TableRow& row : made) {
    if (row.expires <= now) {
      ++counts.expired;
      continue;
    }
    auto there = exact_row(tables, table, row.prefix);
    if (!there) return tl::unexpected(there.error());
    if (*there && !replace && (*there)->expires >= row.expires) {
      ++counts.kept;
      continue;
    }
    if (!dry)
      if (auto done = tables.put(table, row); !done) return tl::unexpected(done.error());
    ++counts.added;
  }
  return counts;
}

/// The first row that a command answers.
struct FirstRow : Rows {
  bool row(const Value& row) override {
    if (first.is_null()) first = row;
    return true;
  }
  std::int64_t number(std::string_view key) const {
    const Value* value = first.is_map() ? first.find(key) : nullptr;
    return value != nullptr ? value->integer() : 0;
  }
  Value first;
};

Result<FirstRow> ask_plugins(const ControlParts& parts, std::string_view command, const Value& question) {
  FirstRow answer;
  if (auto asked = parts.pipeline.command("", command, question, answer); !asked) return tl::unexpected(asked.error());
  return answer;
}

Result<Counts> import_traps(const ControlParts& parts, const Call& call, bool dry) {
  auto rows = rows_of(call.body, "traps", 2);
  if (!rows) return tl::unexpected(rows.error());
  Counts counts;
  for (const Value* row : *rows) {
    Value question = Value::map();
    question.set("address", row->items()[0]);
    if (row->items()[1].text() != "0") question.set("added", row->items()[1]);
    auto answer = ask_plugins(parts, dry ? "list-traps" : "add-trap", question);
    if (!answer) return tl::unexpected(answer.error());
    const bool fresh = dry ? answer->first.is_null() : answer->number("new") != 0;
    ++(fresh ? counts.added : counts.kept);
  }
  return counts;
}

Result<Counts> import_grey(const ControlParts& parts, const Call& call, bool dry) {
  auto rows = rows_of(call.body, "grey", 8);
  if (!rows) return tl::unexpected(rows.error());
  Counts counts;
  if (rows->empty()) return counts;
  Value question = Value::map();
  question.set("dry", dry);
  question.set("rows", *call.body.find("grey"));
  auto answer = ask_plugins(parts, "import-grey", question);
  if (!answer) return tl::unexpected(answer.error());
  return Counts{answer->number("added"), answer->number("kept"), answer->number("expired")};
}

bool is_set(const Value& body, std::string_view name) {
  const Value* value = body.find(name);
  return value != nullptr && value->is_text() && value->text() == "yes";
}

Result<Value> import_all(const ControlParts& parts, const Call& call) {
  const bool dry = is_set(call.body, "dry"), replace = is_set(call.body, "replace");
  const std::array<std::pair<std::string_view, Result<Counts>>, 4> all = {
      {{"white", import_rows(parts, kWhite, call, dry, replace)},
       {"trapped", import_rows(parts, kTrapped, call, dry, replace)},
       {"traps", import_traps(parts, call, dry)},
       {"grey", import_grey(parts, call, dry)}}};
  Value answer = Value::map();
  std::int64_t added = 0;
  for (const auto& [name, counts] : all) {
    if (!counts) return tl::unexpected(counts.error());
    answer.set(name, counts->value());
    added += counts->added;
  }
  // Bodies would fill the log, and so would thousands of parts: it tells who began when, and at level debug the rest.
  const Value* part = call.body.find("part");
  const bool first = part == nullptr || !part->is_text() || part->text() == "1";
  if (!dry) parts.log.write(first ? Level::notice : Level::debug, "control.import", {{"asker", call.asker()}, {"added", added}});
  return answer;
}

struct TrapArguments {
  std::string address;
  static Schema<TrapArguments> schema() {
    return Schema<TrapArguments>{}.required("address", &TrapArguments::address, "A mail address nobody honest writes to.");
  }
};

}  // namespace

void ControlApi::add_import_routes() {
  router_.ask("POST", "/v1/import", [this](const Call& call) { return import_all(parts_, call); });
  router_.stream("/v1/traps", [this](const Call& call, LineWriter& lines) {
    Value question = Value::map();
    if (auto address = call.parameter("address")) question.set("address", *address);
    return parts_.pipeline.command("", "list-traps", question, lines);
  });
  router_.change("PUT", "/v1/traps", [this](const Call& call) -> Result<Value> {
    auto arguments = call.arguments<TrapArguments>();
    if (!arguments) return tl::unexpected(arguments.error());
    Value question = Value::map();
    question.set("address", arguments->address);
    auto answer = ask_plugins(parts_, "add-trap", question);
    if (!answer) return tl::unexpected(answer.error());
    return std::move(answer->first);
  });
  router_.change("DELETE", "/v1/traps", [this](const Call& call) -> Result<Value> {
    auto address = call.parameter("address");
    if (!address) return tl::unexpected(address.error());
    Value question = Value::map();
    question.set("address", *address);
    auto answer = ask_plugins(parts_, "remove-trap", question);
    if (!answer) return tl::unexpected(answer.error());
    if (answer->number("removed") == 0) return fail(Errc::not_found, *address + " is no trap that was added");
    return std::move(answer->first);
  });
  router_.change("POST", "/v1/delete-grey", [this](const Call& call) -> Result<Value> {
    const Value* client = call.body.find("client");
    if (client == nullptr || !client->is_text()) return fail(Errc::invalid, "client: is missing");
    Value question = Value::map();
    question.set("client", *client);
    auto answer = ask_plugins(parts_, "delete-grey", question);
    if (!answer) return tl::unexpected(answer.error());
    if (answer->number("deleted") == 0) return fail(Errc::not_found, client->text() + " has no mail that waits");
    return std::move(answer->first);
  });
}

}  // namespace deferd
