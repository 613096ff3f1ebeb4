// status, list, show, plugins.
#include "ctl/answers.h"
#include "ctl/table.h"
#include "deferd/time.h"
#include "http/url.h"

namespace deferd::ctl {
namespace {

std::string bytes_text(std::int64_t bytes) {
  constexpr std::string_view kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (bytes >= 10 * 1024 && unit + 1 < std::size(kUnits)) {
    bytes /= 1024;
    ++unit;
  }
  return std::to_string(bytes) + " " + std::string(kUnits[unit]);
}

/// Numbers that people read better in another unit.
Value readable(const Value& map) {
  Value out = Value::map();
  for (std::size_t i = 0; i < map.size(); ++i) {
    const Value& item = map.items()[i];
    if (item.is_map())
      out.set(map.key(i), readable(item));
    else if (map.key(i) == "uptime")
      out.set(map.key(i), format_duration(std::chrono::seconds(item.integer())));
    else if (map.key(i) == "bytes")
      out.set(map.key(i), bytes_text(item.integer()));
    else
      out.set(map.key(i), item);
  }
  return out;
}

/// For each stage those who are asked there, in order.
Outcome<void> print_order(const Job& job) {
  constexpr std::string_view kStages[] = {"connect", "helo", "mail", "rcpt", "data", "headers", "reply", "decided", "accepted"};
  std::vector<std::vector<std::string>> asked(std::size(kStages));
  auto done = print_rows(job, "/v1/plugins", [&](const Value& plugin) {
    const Value* hooks = plugin.find("hooks");
    for (std::size_t i = 0; hooks != nullptr && i < std::size(kStages); ++i)
      for (const Value& hook : hooks->items())
        if (hook.text() == kStages[i]) asked[i].push_back(cell(plugin, "name"));
    return true;
  });
  if (!done) return done;
  Table table({"stage", "asked"}, job.screen);
  for (std::size_t i = 0; i < std::size(kStages); ++i) {
    std::string names;
    for (const auto& name : asked[i]) names += (names.empty() ? "" : " > ") + name;
    if (!names.empty()) table.add({std::string(kStages[i]), names});
  }
  return {};
}

}  // namespace

Outcome<void> status(const Job& job) {
  return print_answer(job, {"GET", "/v1/status"}, [&](const Value& answer) { print_fields(readable(answer), job.screen); });
}

Outcome<void> list(const Job& job) {
  const bool grey = job.arguments.table == "grey";
  const bool traps = job.arguments.table == "traps";
  const std::string target = grey ? "/v1/grey" : traps ? "/v1/traps" : "/v1/tables/" + job.arguments.table;
  Table table(grey    ? std::vector<std::string>{"client", "tries", "first", "due", "expires", "state", "from", "to"}
              : traps ? std::vector<std::string>{"address", "added"}
                      : std::vector<std::string>{"prefix", "expires", "source", "note", "evidence"},
              job.screen);
  return print_rows(job, target, [&](const Value& row) { return table.add(row); });
}

Outcome<void> show(const Job& job) {
  const std::string target = "/v1/show?key=" + percent_encode(job.arguments.what);
  bool first = true;
  return print_rows(job, target, [&](const Value& row) {
    if (!first) job.screen.out << '\n';
    first = false;
    print_fields(row, job.screen);
    return static_cast<bool>(job.screen.out);
  });
}

Outcome<void> plugins(const Job& job) {
  if (job.arguments.order && !job.arguments.json) return print_order(job);
  Table table({"name", "plugin", "version", "state", "shadow", "hooks"}, job.screen);
  return print_rows(job, "/v1/plugins", [&](const Value& row) { return table.add(row); });
}

}  // namespace deferd::ctl
