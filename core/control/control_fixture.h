// For tests: a control socket over a Pipeline of scripted plugins and a store in memory.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "control/api.h"
#include "host/host_fixture.h"
#include "http/client.h"
#include "http/server.h"
#include "net/testing_socket.h"

namespace deferd {

class ControlTest : public HostTest {
 protected:
  void SetUp() override;

  /// Makes and serves the API; changes to `operations` before count.
  void serve();

  struct Reply {
    int status = 0;
    std::string text;
    Value json;  ///< Of replies that are one JSON value.
  };
  Reply ask(const std::string& method, const std::string& target, const std::string& body = {});
  /// The lines of a list, each read.
  std::vector<Value> lines(const std::string& target);

  void put_white(const std::string& prefix, const std::string& evidence = "test");
  /// The plugin `name` answers commands with `command`.
  void use_command(decltype(Script::command) command, const std::string& name = "greylist");
  /// Everything a test may compare before and after: white, trapped.
  std::string tables_text();

  SocketFolder folder;
  std::string socket = folder.file("control.sock");
  Operations operations;
  std::optional<ControlApi> api;
  std::optional<HttpServer> server;
};

/// One row, whatever was asked; remembers the question.
struct Recorder {
  std::string asked;
  Value row = Value::map();
  decltype(Script::command) command() {
    return [this](Context&, std::string_view name, const Value& args, Rows& rows) -> Result<void> {
      asked += std::string(name) + " " + args.to_json() + "\n";
      rows.row(row);
      return {};
    };
  }
};

/// The text at `path`, "reply.code" reaching into maps; integers as text; "(none)" if absent.
std::string at(const Value& value, std::string_view path);

}  // namespace deferd
