// Many records at once, as other programs' databases have them: POST /v1/import. And trap addresses, one by one.
//
// {"dry": true, "replace": true, "part": 1,
//  "white": [[prefix, first, expires, source, evidence, note], ...], "trapped": likewise,
//  "traps": [[address, added], ...], "grey": [[client, helo, from, to, first, pass, expires, tries], ...]}
//
// Times are seconds since 1970; `first` 0 is now, `expires` "never" is never. The answer counts: {"white": {"added": 1, "kept":
// 0, "expired": 0, "skipped": 0}, ...}. What is there already and lasts as long is kept, so that the same may be sent again; a
// row that lasts less long is prolonged, and stays what it says. `replace`: rows of tables take the place of those there, except
// an operator's note. `skipped`: no loaded plugin takes those. `part`: of those that belong together the first alone is logged.
//
// All of it is checked before anything is written. Where writing fails it ends; what was written stays, and may be sent again.
#include <algorithm>
#include <array>
#include <map>

#include "control/api.h"
#include "control/table_rows.h"

namespace deferd {
namespace {

struct Counts {
  std::int64_t added = 0, kept = 0, expired = 0, skipped = 0;
  Value value() const {
    Value map = Value::map();
    map.set("added", added);
    map.set("kept", kept);
    map.set("expired", expired);
    map.set("skipped", skipped);
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

/// spamdb's counters, which ctl keeps in the note, are to be renewed; an operator's own words are not.
std::string note_of(const TableRow& there, const TableRow& row) {
  const bool counters = there.note.starts_with("spamdb ");
  return there.note.empty() || counters ? row.note : there.note;
}

class RowsImport {
 public:
  RowsImport(std::string_view table, bool replace) : table_(table), replace_(replace) {}

  Result<void> read(const Value& body, Time now) {
    auto rows = rows_of(body, table_, 6);
    if (!rows) return tl::unexpected(rows.error());
    for (const Value* row : *rows) {
      auto one = table_row(*row, now);
      if (!one) return tl::unexpected(one.error());
      rows_.push_back(std::move(*one));
    }
    return {};
  }

  Result<Counts> write(Engine& engine, Time now, bool dry) {
    Counts counts;
    counts.expired = static_cast<std::int64_t>(std::erase_if(rows_, [&](const TableRow& row) { return row.expires <= now; }));
    const auto decide = [&](const std::optional<TableRow>& there, const TableRow& row) -> std::optional<TableRow> {
      const bool keeps = there && !replace_ && there->expires >= row.expires;
      ++(keeps ? counts.kept : counts.added);
      return keeps ? std::nullopt : std::optional(written(there, row));
    };
    auto done = dry ? try_out(engine, decide) : engine.put_rows(table_, rows_, decide);
    if (!done) return tl::unexpected(done.error());
    return counts;
  }

 private:
  /// As Engine::put_rows(), but that nothing is written.
  Result<void> try_out(Engine& engine, const Engine::Decide& decide) const {
    std::vector<Prefix> prefixes;
    prefixes.reserve(rows_.size());
    for (const auto& row : rows_) prefixes.push_back(row.prefix);
    auto there = engine.rows_at(table_, prefixes);
    if (!there) return tl::unexpected(there.error());
    std::map<Prefix, std::optional<TableRow>> known;
    for (std::size_t i = 0; i < prefixes.size(); ++i) known.emplace(prefixes[i], std::move((*there)[i]));
    for (const auto& row : rows_) {
      auto& place = known.at(row.prefix);  // what is there, or what an earlier one of these rows would make of it
      if (auto made = decide(place, row)) place = std::move(made);
    }
    return {};
  }

  /// Not Tables::refresh(), which writes once an hour: what was imported is to be there.
  TableRow written(const std::optional<TableRow>& there, const TableRow& row) const {
    TableRow made = there && !replace_ ? *there : row;
    if (there && replace_) made.note = note_of(*there, row);
    made.expires = row.expires;
    return made;
  }

  const std::string_view table_;
  const bool replace_;
  std::vector<TableRow> rows_;
};

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

/// A plugin's own rows. It looks at all of them before it writes one.
Result<Counts> import_by(const ControlParts& parts, std::string_view command, const Value& rows, bool dry) {
  Value question = Value::map();
  question.set("dry", dry);
  question.set("rows", rows);
  auto answer = ask_plugins(parts, command, question);
  if (!answer && answer.error().code == Errc::not_found) return Counts{0, 0, 0, static_cast<std::int64_t>(rows.size())};
  if (!answer) return tl::unexpected(answer.error());
  return Counts{answer->number("added"), answer->number("kept"), answer->number("expired"), 0};
}

bool is_set(const Value& body, std::string_view name) {
  const Value* value = body.find(name);
  return value != nullptr && value->is_text() && value->text() == "yes";
}

/// One question, from its body to its answer.
class Import {
 public:
  Import(const ControlParts& parts, const Value& body) : parts_(parts), body_(body) {}

  Result<Value> run(bool dry) {
    if (auto read = this->read(); !read) return tl::unexpected(read.error());
    // What a plugin refuses it refuses before it writes; but others must not have written before it then.
    const bool several = std::count_if(kMembers.begin(), kMembers.end(), [&](auto member) { return rows(member) > 0; }) > 1;
    if (several && !dry)
      for (const auto member : kOfPlugins)
        if (auto checked = one(member, true); !checked) return tl::unexpected(checked.error());
    return answer_of(go(dry));
  }
  std::int64_t added() const { return added_; }

 private:
  static constexpr std::array<std::string_view, 2> kOfPlugins = {"traps", "grey"};
  static constexpr std::array<std::string_view, 4> kMembers = {kWhite, kTrapped, kOfPlugins[0], kOfPlugins[1]};
  using All = std::array<Counts, kMembers.size()>;

  Result<void> read() {
    for (RowsImport* rows : {&white_, &trapped_})
      if (auto done = rows->read(body_, now_); !done) return done;
    if (auto traps = rows_of(body_, "traps", 2); !traps) return tl::unexpected(traps.error());
    if (auto grey = rows_of(body_, "grey", 8); !grey) return tl::unexpected(grey.error());
    return {};
  }

  std::size_t rows(std::string_view member) const {
    const Value* list = body_.find(member);
    return list != nullptr ? list->size() : 0;
  }

  /// Ends at the first error.
  Result<All> go(bool dry) {
    All all;
    for (std::size_t i = 0; i < all.size(); ++i) {
      auto counts = one(kMembers[i], dry);
      if (!counts) return tl::unexpected(counts.error());
      all[i] = *counts;
    }
    return all;
  }

  Result<Counts> one(std::string_view member, bool dry) {
    if (member == kWhite) return white_.write(parts_.engine, now_, dry);
    if (member == kTrapped) return trapped_.write(parts_.engine, now_, dry);
    if (rows(member) == 0) return Counts{};
    return import_by(parts_, member == "traps" ? "import-traps" : "import-grey", *body_.find(member), dry);
  }

  Result<Value> answer_of(const Result<All>& all) {
    if (!all) return tl::unexpected(all.error());
    Value answer = Value::map();
    for (std::size_t i = 0; i < all->size(); ++i) {
      answer.set(kMembers[i], (*all)[i].value());
      added_ += (*all)[i].added;
    }
    return answer;
  }

  const ControlParts& parts_;
  const Value& body_;
  const Time now_ = parts_.clock.now();
  RowsImport white_{kWhite, is_set(body_, "replace")}, trapped_{kTrapped, is_set(body_, "replace")};
  std::int64_t added_ = 0;
};

Result<Value> import_all(const ControlParts& parts, const Call& call) {
  const bool dry = is_set(call.body, "dry");
  Import import(parts, call.body);
  auto answer = import.run(dry);
  if (!answer) return answer;
  // Bodies would fill the log, and so would thousands of parts: it tells who began when, and at level debug the rest.
  const Value* part = call.body.find("part");
  const bool first = part == nullptr || !part->is_text() || part->text() == "1";
  if (!dry)
    parts.log.write(first ? Level::notice : Level::debug, "control.import", {{"asker", call.asker()}, {"added", import.added()}});
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
