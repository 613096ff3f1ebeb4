#include "control/router.h"

#include "http/error_body.h"
#include "http/json.h"

namespace deferd {
namespace {

/// Schemas read the scalars of a configuration file, which are texts.
Value scalars_as_text(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::boolean:
      return Value(value.boolean() ? "yes" : "no");
    case Value::Kind::integer:
      return Value(std::to_string(value.integer()));
    case Value::Kind::list: {
      Value list = Value::list();
      for (const auto& item : value.items()) list.append(scalars_as_text(item));
      return list;
    }
    case Value::Kind::map: {
      Value map = Value::map();
      for (std::size_t i = 0; i < value.size(); ++i) map.set(value.key(i), scalars_as_text(value.items()[i]));
      return map;
    }
    case Value::Kind::null:
    case Value::Kind::text:
      break;
  }
  return value;
}

Result<Value> read_body(const std::string& text) {
  if (text.empty()) return Value::map();
  auto value = parse_json(text);
  if (!value) return value;
  if (!value->is_map()) return fail(Errc::invalid, "the body must be a JSON object");
  return scalars_as_text(*value);
}

void send_result(const Result<Value>& result, HttpReply& reply) {
  if (result)
    reply.send(200, kJson, result->to_json() + '\n');
  else
    reply.send(status_of(result.error().code), kJson, error_body(result.error()));
}

bool matches(const std::string& route, const std::string& path, std::string& tail) {
  if (!route.ends_with('*')) return route == path;
  const std::size_t stem = route.size() - 1;
  if (path.size() <= stem || path.compare(0, stem, route, 0, stem) != 0) return false;
  tail = path.substr(stem);
  return true;
}

}  // namespace

Result<std::string> Call::parameter(std::string_view name) const {
  for (const auto& [key, value] : http.query)
    if (key == name) return value;
  return fail(Errc::invalid, "the parameter '" + std::string(name) + "' is missing");
}

std::string Call::asker() const { return http.peer ? "uid " + std::to_string(http.peer->uid) : "an unknown user"; }

std::string Call::joined(const Problems& problems) {
  std::string all;
  for (const auto& problem : problems.list()) {
    if (problem.warning) continue;
    if (!all.empty()) all += "; ";
    if (!problem.path.empty()) all += problem.path + ": ";
    all += problem.message;
  }
  return all;
}

void Router::ask(std::string method, std::string path, Answer answer) {
  routes_.push_back({std::move(method), std::move(path),
                     [answer = std::move(answer)](const Call& call, HttpReply& reply) { send_result(answer(call), reply); }});
}

void Router::change(std::string method, std::string path, Answer answer) {
  routes_.push_back({std::move(method), std::move(path), [this, answer = std::move(answer)](const Call& call, HttpReply& reply) {
                       auto result = answer(call);
                       log_write(call, result);
                       send_result(result, reply);
                     }});
}

void Router::stream(std::string path, Stream stream) {
  routes_.push_back({"GET", std::move(path), [stream = std::move(stream)](const Call& call, HttpReply& reply) {
                       LineWriter lines(reply);
                       lines.finish(stream(call, lines));
                     }});
}

void Router::raw(std::string path, Raw raw) { routes_.push_back({"GET", std::move(path), std::move(raw)}); }

void Router::handle(const HttpRequest& request, HttpReply& reply) const {
  Call call{request, {}, {}};
  bool known = false;
  for (const Route& route : routes_) {
    if (!matches(route.path, request.path, call.tail)) continue;
    known = true;
    if (route.method != request.method) continue;
    auto body = read_body(request.body);
    if (!body) return send_result(body, reply);
    call.body = std::move(*body);
    return route.run(call, reply);
  }
  const std::string what = request.method + " " + request.path;
  if (known)
    reply.send(405, kJson, error_body({Errc::invalid, what + ": this method is not for this path"}));
  else
    send_result(fail(Errc::not_found, what + ": there is nothing here"), reply);
}

void Router::log_write(const Call& call, const Result<Value>& result) const {
  std::string what = call.http.method + " " + call.http.path;
  for (const auto& [key, value] : call.http.query) what += " " + key + "=" + value;
  if (call.body.size() != 0) what += " " + call.body.to_json();
  log_.notice("control.write", {{"uid", call.http.peer ? std::to_string(call.http.peer->uid) : std::string("unknown")},
                                {"what", what},
                                {"result", result ? std::string("ok") : result.error().what}});
}

}  // namespace deferd
