// What the control socket offers: the routes below /v1 and /metrics. docs: deferctl(8), which is a thin layer on them.
//
//   GET    /v1/status                     GET    /v1/plugins          *   POST /v1/reload
//   GET    /v1/tables/{white,trapped}  *  GET    /v1/grey             *   POST /v1/backup {directory}
//   PUT    /v1/tables/white {prefix, for, note}                           GET  /v1/stats
//   DELETE /v1/tables/{white,trapped}?prefix=                             GET  /metrics
//   GET    /v1/show?key=               *  GET    /v1/decisions/ID
//   POST   /v1/delete {client}            POST   /v1/release {id}         POST /v1/expect {to, from_domain, for}
//   GET    /v1/lists                  *   GET    /v1/lists/test?address= *   POST /v1/lists/refresh {list}
//   GET    /v1/bridge                 *   POST   /v1/bridge/adopt         POST /v1/bridge/reconcile
//   GET    /v1/traps                   *  PUT /v1/traps {address}         DELETE /v1/traps?address=
//   POST   /v1/import (see import_api.cc) POST   /v1/delete-grey {client}     GET  /v1/setup
//   POST   /v1/explain {client, name, helo, from, to} or {id}             POST /v1/testing/clock {advance} or {set}
//
// Those marked * answer one JSON object a line. Errors: {"error": text, "code": "not_found"} with a fitting status.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "control/router.h"
#include "host/pipeline.h"
#include "ops/metrics.h"
#include "store/engine.h"

namespace deferd {

/// What only the daemon as a whole can do. Called from several threads at a time.
struct Operations {
  std::function<Result<std::string>()> reload;  ///< Returns what to tell the operator.
  std::function<Value()> status;                ///< A map; goes before what the API itself knows (store, uptime).
  std::function<Value()> setup;                 ///< A map: what a packet filter, certificate and MTA around it must fit.
  /// In the order asked; maps with name, plugin, version, hooks (list), state, and shadow, budget, file where they apply.
  std::function<std::vector<Value>()> plugins;
  /// Moves the clock by, or to; returns the new time. Only under --testing-clock, else empty.
  std::function<Result<Time>(std::optional<Duration> advance, std::optional<Time> set)> testing_clock;
};

/// Everything outlives the API and is thread-safe.
struct ControlParts {
  Pipeline& pipeline;
  Engine& engine;
  Metrics& metrics;
  const Clock& clock;
  Log& log;
  Operations operations;
};

/// Thread-safe. Give `handle` to an HttpServer.
class ControlApi {
 public:
  explicit ControlApi(ControlParts parts);
  void handle(const HttpRequest& request, HttpReply& reply) const { router_.handle(request, reply); }

 private:
  void add_daemon_routes();
  void add_table_routes();
  void add_plugin_routes();
  void add_explain_routes();
  void add_import_routes();

  Result<Value> delete_client(const Call& call);
  Result<Value> release(const Call& call);
  Result<void> show(const Call& call, LineWriter& lines);
  Result<Value> past_decision(const std::string& id);
  Result<Value> explain_past(const std::string& id);

  ControlParts parts_;
  Router router_;
  SteadyTime started_;
};

}  // namespace deferd
