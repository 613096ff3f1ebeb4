// The shared tables: list, add, delete.
#include "control/api.h"
#include "control/table_rows.h"

namespace deferd {
namespace {

/// A length of time, or for ever.
struct Lasting {
  std::optional<Duration> duration;  ///< Nullopt: never ends.
};

}  // namespace

template <>
struct Codec<Lasting> {
  static std::string type() { return "duration | never"; }
  static Result<Lasting> parse(std::string_view text) {
    if (text == "never") return Lasting{};
    auto duration = Codec<Duration>::parse(text);
    if (!duration) return tl::unexpected(duration.error());
    constexpr Duration kLongest = std::chrono::years(100);
    if (*duration <= Duration::zero() || *duration > kLongest)
      return fail(Errc::invalid, "must be longer than nothing and at most 100 years; or write never");
    return Lasting{*duration};
  }
  static std::string print(const Lasting& value) { return value.duration ? format_duration(*value.duration) : "never"; }
};

namespace {

struct AddArguments {
  Prefix prefix;
  Lasting lasting{std::chrono::days(36)};
  std::string note;
  static Schema<AddArguments> schema() {
    return Schema<AddArguments>{}
        .required("prefix", &AddArguments::prefix, "Whom to add.")
        .field("for", &AddArguments::lasting, "For how long.")
        .field("note", &AddArguments::note, "The operator's own words.")
        .rule([](const AddArguments& arguments) { return arguments.note.size() <= 1000 ? "" : "note: takes 1000 bytes"; });
  }
};

struct DeleteArguments {
  Prefix client;
  static Schema<DeleteArguments> schema() {
    return Schema<DeleteArguments>{}.required("client", &DeleteArguments::client, "Whom to forget.");
  }
};

/// Adds up what the plugins answer to `delete`.
class DeletedRows : public Rows {
 public:
  bool row(const Value& row) override {
    if (const Value* deleted = row.find("deleted")) total_ += deleted->integer();
    return true;
  }
  std::int64_t total() const { return total_; }

 private:
  std::int64_t total_ = 0;
};

Result<Value> add_row(const ControlParts& parts, std::string_view table, const Call& call) {
  auto arguments = call.arguments<AddArguments>();
  if (!arguments) return tl::unexpected(arguments.error());
  Tables& tables = parts.engine.tables();
  TableRow row;
  row.prefix = arguments->prefix;
  row.added = parts.clock.now();
  row.expires = arguments->lasting.duration ? row.added + *arguments->lasting.duration : Time::max();
  row.source = "operator";
  row.evidence = "added by " + call.asker();
  row.note = arguments->note;
  if (auto done = tables.put(table, row); !done) return tl::unexpected(done.error());
  Value answer = row_value(row);
  if (table == kTrapped) return answer;
  auto trapped = tables.find(kTrapped, row.prefix.address());
  if (trapped && trapped->row) answer.set("trapped", row_value(*trapped->row));
  return answer;
}

}  // namespace

void ControlApi::add_table_routes() {
  for (const std::string_view table : {kWhite, kTrapped}) {
    const std::string path = "/v1/tables/" + std::string(table);
    router_.stream(path, [this, table](const Call& call, LineWriter& lines) -> Result<void> {
      auto text = call.parameter("prefix");
      if (!text) return stream_table(parts_.engine.tables(), table, lines);
      auto prefix = Prefix::parse(*text);
      if (!prefix) return tl::unexpected(prefix.error());
      auto rows = parts_.engine.rows_at(table, {&*prefix, 1});
      if (!rows) return tl::unexpected(rows.error());
      if (rows->front()) lines.row(row_value(*rows->front()));
      return {};
    });
    router_.change("DELETE", path, [this, table](const Call& call) -> Result<Value> {
      auto text = call.parameter("prefix");
      if (!text) return tl::unexpected(text.error());
      auto prefix = Prefix::parse(*text);
      if (!prefix) return tl::unexpected(prefix.error());
      auto there = parts_.engine.tables().erase(table, *prefix, "operator");
      if (!there) return tl::unexpected(there.error());
      if (!*there) return fail(Errc::not_found, prefix->to_string() + " is not in " + std::string(table));
      Value answer = Value::map();
      answer.set("prefix", prefix->to_string());
      return answer;
    });
    router_.change("PUT", path, [this, table](const Call& call) { return add_row(parts_, table, call); });
    router_.change("POST", path, [this, table](const Call& call) { return add_row(parts_, table, call); });
  }
  router_.change("POST", "/v1/delete", [this](const Call& call) { return delete_client(call); });
}

/// The white row goes first: its erasure alone makes worthless what was learned of the client, so a failure in between leaves
/// nobody let in.
Result<Value> ControlApi::delete_client(const Call& call) {
  auto arguments = call.arguments<DeleteArguments>();
  if (!arguments) return tl::unexpected(arguments.error());
  const Prefix& client = arguments->client;
  Tables& tables = parts_.engine.tables();
  auto white = tables.erase(kWhite, client, "operator");
  if (!white) return tl::unexpected(white.error());
  auto trapped = tables.erase(kTrapped, client, "operator");
  if (!trapped) return tl::unexpected(trapped.error());

  Value question = Value::map();
  question.set("client", client.to_string());
  DeletedRows deleted;
  auto asked = parts_.pipeline.command("", "delete", question, deleted);
  if (!asked && asked.error().code != Errc::not_found) return tl::unexpected(asked.error());
  if (!*white && !*trapped && deleted.total() == 0) return fail(Errc::not_found, "nothing is known of " + client.to_string());

  Value answer = Value::map();
  answer.set("client", client.to_string());
  answer.set("white", *white);
  answer.set("trapped", *trapped);
  answer.set("deleted", deleted.total());
  auto left = tables.find(kWhite, client.address());
  if (left && left->row && left->row->prefix.contains(client)) answer.set("still_white_by", left->row->prefix.to_string());
  return answer;
}

}  // namespace deferd
