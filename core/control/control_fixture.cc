#include "control/control_fixture.h"

#include "http/json.h"

namespace deferd {

void ControlTest::SetUp() {
  use({});
  operations.status = [] {
    Value status = Value::map();
    status.set("version", "1.2.3");
    return status;
  };
  operations.setup = [] { return Value::map(); };
  operations.plugins = [] { return std::vector<Value>(); };
  operations.reload = []() -> Result<std::string> { return "reloaded"; };
}

void ControlTest::serve() {
  auto listener = Listener::open(socket, {});
  ASSERT_TRUE(listener) << listener.error().what;
  api.emplace(ControlParts{pipeline_, *engine_, metrics_, clock_, log_, operations});
  server.emplace(
      std::move(*listener), HttpLimits{}, [this](const HttpRequest& request, HttpReply& reply) { api->handle(request, reply); },
      log_);
}

ControlTest::Reply ControlTest::ask(const std::string& method, const std::string& target, const std::string& body) {
  auto answer = http_call(socket, {method, target, body, std::chrono::seconds(20)});
  if (!answer) {
    ADD_FAILURE() << answer.error().what;
    return {};
  }
  Reply reply{answer->status, answer->body, {}};
  if (auto json = parse_json(answer->body)) reply.json = *json;
  return reply;
}

std::vector<Value> ControlTest::lines(const std::string& target) {
  const Reply reply = ask("GET", target);
  EXPECT_EQ(reply.status, 200) << reply.text;
  std::vector<Value> rows;
  for (std::size_t start = 0; start < reply.text.size();) {
    const auto end = reply.text.find('\n', start);
    if (end == std::string::npos) {
      ADD_FAILURE() << "the last line does not end";
      break;
    }
    auto row = parse_json(std::string_view(reply.text).substr(start, end - start));
    if (row) rows.push_back(*row);
    EXPECT_TRUE(row) << reply.text.substr(start, end - start);
    start = end + 1;
  }
  return rows;
}

void ControlTest::put_white(const std::string& prefix, const std::string& evidence) {
  TableRow row;
  row.prefix = *Prefix::parse(prefix);
  row.added = clock_.now();
  row.expires = clock_.now() + std::chrono::days(36);
  row.source = "greylist";
  row.evidence = evidence;
  ASSERT_TRUE(engine_->tables().put(kWhite, row));
}

void ControlTest::use_command(decltype(Script::command) command, const std::string& name) {
  Script script;
  script.command = std::move(command);
  use({{name, script}});
}

std::string ControlTest::tables_text() {
  std::string all;
  for (const char* table : {"white", "trapped"}) all += ask("GET", std::string("/v1/tables/") + table).text;
  return all;
}

std::string at(const Value& value, std::string_view path) {
  const auto dot = path.find('.');
  const Value* found = value.is_map() ? value.find(path.substr(0, dot)) : nullptr;
  if (found == nullptr) return "(none)";
  if (dot != std::string_view::npos) return at(*found, path.substr(dot + 1));
  switch (found->kind()) {
    case Value::Kind::text:
      return found->text();
    case Value::Kind::integer:
      return std::to_string(found->integer());
    case Value::Kind::boolean:
      return found->boolean() ? "yes" : "no";
    default:
      return found->to_json();
  }
}

}  // namespace deferd
