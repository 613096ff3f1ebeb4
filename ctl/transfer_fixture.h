// For the tests: a daemon whose plugins have traps and grey mail, as far as import, export and spamdb ask of them.
#pragma once
#include <fstream>
#include <map>
#include <sstream>

#include "control/control_fixture.h"
#include "ctl/cli.h"
#include "ctl/exit_code.h"
#include "ctl/spamdb.h"
#include "deferd/ascii.h"

namespace deferd::ctl {

class TransferTest : public ControlTest {
 protected:
  void SetUp() override {
    ControlTest::SetUp();
    ::unsetenv("DEFERD_SOCKET");
    Script plugin;
    plugin.command = [this](Context&, std::string_view name, const Value& args, Rows& rows) { return command(name, args, rows); };
    use({{"plugin", plugin}});
    serve();
  }

  int run(std::vector<std::string> words) {
    words.insert(words.begin(), {"-s", socket});
    std::ostringstream out_stream, err_stream;
    const int code = ctl::run(std::move(words), {out_stream, err_stream, width});
    out = out_stream.str();
    err = err_stream.str();
    return code;
  }
  int spamdb(const std::vector<std::string>& words) {
    std::ostringstream out_stream, err_stream;
    const int code = run_spamdb(words, socket, {out_stream, err_stream, 0});
    out = out_stream.str();
    err = err_stream.str();
    return code;
  }
  std::string file(std::string_view text) {
    std::ofstream(folder.file("dump"), std::ios::binary) << text;
    return folder.file("dump");
  }
  std::optional<TableRow> row(std::string_view table, std::string_view client) {
    return or_throw(engine_->tables().find(table, *Address::parse(client))).row;
  }
  void put(std::string_view table, std::string_view client, Duration lasting, Duration ago = {}) {
    TableRow made;
    made.prefix = *Prefix::parse(client);
    made.added = clock_.now() - ago;
    made.expires = clock_.now() + lasting;
    made.source = "greylist";
    or_throw(engine_->tables().put(table, made));
  }
  std::int64_t now() const { return clock_.now().time_since_epoch().count(); }
  std::string at(std::int64_t after) const { return std::to_string(now() + after); }

  std::size_t width = 0;
  std::string out, err;
  std::map<std::string, Time> traps;
  std::vector<Value> grey;            // rows as list-grey answers them
  std::vector<std::string> imported;  // rows that import-grey was asked to write

 private:
  static std::string text(const Value& args, std::string_view key) {
    const Value* value = args.find(key);
    return value != nullptr ? value->text() : std::string();
  }
  static Value one(std::string_view key, Value value) {
    Value map = Value::map();
    map.set(key, std::move(value));
    return map;
  }

  Result<void> command(std::string_view name, const Value& args, Rows& rows) {
    auto address = text(args, "address");
    for (char& c : address) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (address.find("..") != address.npos) return fail(Errc::invalid, "'address' has no domain after the @");
    if (name == "add-trap") {
      Value answer = one("address", address);
      answer.set("new", traps.try_emplace(address, clock_.now()).second);
      rows.row(answer);
    } else if (name == "import-traps") {
      std::int64_t added = 0;
      for (const auto& row : args.find("rows")->items())
        if (row.items()[0].text().find("..") != std::string::npos)
          return fail(Errc::invalid, "'address' has no domain after the @");
      for (const auto& row : args.find("rows")->items()) {
        const auto trap = lower(row.items()[0].text());
        const bool fresh = args.find("dry")->boolean() ? !traps.contains(trap) : traps.try_emplace(trap, clock_.now()).second;
        added += fresh ? 1 : 0;
      }
      Value answer = one("added", added);
      answer.set("kept", static_cast<std::int64_t>(args.find("rows")->size()) - added);
      rows.row(answer);
    } else if (name == "remove-trap") {
      Value answer = one("address", address);
      answer.set("removed", traps.erase(address) > 0);
      rows.row(answer);
    } else if (name == "list-traps") {
      for (const auto& [trap, added] : traps) {
        Value answer = one("address", trap);
        answer.set("added", format_time(added));
        if (address.empty() || address == trap) rows.row(answer);
      }
    } else if (name == "list-grey") {
      for (const auto& tuple : grey) rows.row(tuple);
    } else if (name == "delete-grey") {
      std::int64_t deleted = 0;
      for (auto tuple = grey.begin(); tuple != grey.end() && deleted == 0; ++tuple)
        if (text(*tuple, "client") == text(args, "client")) {
          grey.erase(tuple);
          deleted = 1;
          break;
        }
      rows.row(one("deleted", deleted));
    } else if (name == "import-grey") {
      const bool dry = args.find("dry")->boolean();
      for (const auto& tuple : args.find("rows")->items())
        if (!dry) imported.push_back(tuple.to_json());
      rows.row(one("added", static_cast<std::int64_t>(args.find("rows")->size())));
    } else {
      return fail(Errc::not_found, "no such command");
    }
    return {};
  }
};

}  // namespace deferd::ctl
