#include "control/api.h"

#include "control/stats.h"
#include "control/testing_time.h"

namespace deferd {
namespace {

struct BackupArguments {
  std::string directory;
  static Schema<BackupArguments> schema() {
    return Schema<BackupArguments>{}
        .required("directory", &BackupArguments::directory, "Where to.")
        .rule([](const BackupArguments& arguments) {
          return arguments.directory.starts_with('/') ? "" : "directory: must be an absolute path";
        });
  }
};

Value store_value(const EngineStatus& status) {
  Value map = Value::map();
  map.set("engine", status.engine);
  map.set("state", status.state);
  map.set("records", status.records);
  map.set("white", status.white);
  map.set("trapped", status.trapped);
  map.set("bytes", status.bytes);
  if (status.cleaning_held) map.set("cleaning_held", true);
  return map;
}

Value one(std::string_view key, Value value) {
  Value map = Value::map();
  map.set(key, std::move(value));
  return map;
}

}  // namespace

ControlApi::ControlApi(ControlParts parts) : parts_(std::move(parts)), router_(parts_.log), started_(parts_.clock.steady()) {
  add_daemon_routes();
  add_table_routes();
  add_plugin_routes();
  add_explain_routes();
  add_import_routes();
}

void ControlApi::add_daemon_routes() {
  const auto uptime = [this] {
    return static_cast<std::int64_t>(std::chrono::duration_cast<std::chrono::seconds>(parts_.clock.steady() - started_).count());
  };
  router_.ask("GET", "/v1/status", [this, uptime](const Call&) -> Result<Value> {
    Value status = parts_.operations.status();
    status.set("time", format_time(parts_.clock.now()));
    status.set("uptime", uptime());
    status.set("store", store_value(parts_.engine.status()));
    return status;
  });
  router_.ask("GET", "/v1/setup", [this](const Call&) -> Result<Value> { return parts_.operations.setup(); });
  router_.stream("/v1/plugins", [this](const Call&, LineWriter& lines) -> Result<void> {
    for (const Value& plugin : parts_.operations.plugins()) lines.row(plugin);
    return {};
  });
  router_.change("POST", "/v1/reload", [this](const Call&) -> Result<Value> {
    auto done = parts_.operations.reload();
    if (!done) return tl::unexpected(done.error());
    return one("message", std::move(*done));
  });
  router_.change("POST", "/v1/backup", [this](const Call& call) -> Result<Value> {
    auto arguments = call.arguments<BackupArguments>();
    if (!arguments) return tl::unexpected(arguments.error());
    if (auto done = parts_.engine.backup(arguments->directory); !done) return tl::unexpected(done.error());
    return one("directory", arguments->directory);
  });
  router_.ask("GET", "/v1/stats", [this, uptime](const Call&) -> Result<Value> {
    Value stats = stats_value(parts_.metrics.text());
    stats.set("time", format_time(parts_.clock.now()));
    stats.set("uptime", uptime());
    return stats;
  });
  router_.raw("/metrics", [this](const Call&, HttpReply& reply) {
    reply.send(200, "text/plain; version=0.0.4; charset=utf-8", parts_.metrics.text());
  });
  if (parts_.operations.testing_clock)
    router_.change("POST", "/v1/testing/clock", [this](const Call& call) -> Result<Value> {
      auto arguments = call.arguments<TestingTime>();
      if (!arguments) return tl::unexpected(arguments.error());
      std::optional<Duration> advance;
      if (arguments->advance) advance = arguments->advance->seconds;
      auto now = parts_.operations.testing_clock(advance, arguments->set);
      if (!now) return tl::unexpected(now.error());
      return one("time", format_time(*now));
    });
}

}  // namespace deferd
