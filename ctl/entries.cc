#include "ctl/entries.h"

#include "http/url.h"

namespace deferd::ctl {
namespace {

std::string target_of(Entry::Kind kind) {
  switch (kind) {
    case Entry::Kind::white:
      return "/v1/tables/white";
    case Entry::Kind::trapped:
      return "/v1/tables/trapped";
    case Entry::Kind::grey:
      return "/v1/grey";
    case Entry::Kind::trap:
      return "/v1/traps";
  }
  return {};
}

Entry entry_of(Entry::Kind kind, const Value& row) {
  if (kind == Entry::Kind::grey) return grey_entry(row);
  if (kind == Entry::Kind::trap) return trap_entry(row);
  return table_entry(kind, row);
}

Outcome<void> each_at(const Daemon& daemon, const std::string& target, Entry::Kind kind,
                      const std::function<bool(const Entry&)>& take) {
  std::optional<Failure> failure;
  auto done = daemon.each_line(target, [&](std::string_view line) {
    auto row = read_json(line);
    if (!row) failure = row.error();
    return row && take(entry_of(kind, *row));
  });
  if (failure) return tl::unexpected(std::move(*failure));
  // Nobody who could have any: no plugin of that kind is configured.
  const bool nobody = !done && done.error().code == kNothing && (kind == Entry::Kind::grey || kind == Entry::Kind::trap);
  if (!done && !nobody) return tl::unexpected(done.error());
  return {};
}

}  // namespace

Outcome<std::int64_t> daemon_time(const Daemon& daemon) {
  auto status = daemon.ask_value({"GET", "/v1/status"});
  if (!status) return tl::unexpected(status.error());
  const Value* time = status->find("time");
  Value row = Value::map();
  if (time != nullptr) row.set("added", *time);
  return table_entry(Entry::Kind::white, row).first;
}

Outcome<void> each_entry(const Daemon& daemon, Entry::Kind kind, const std::function<bool(const Entry&)>& take) {
  return each_at(daemon, target_of(kind), kind, take);
}

Outcome<std::optional<Entry>> find_entry(const Daemon& daemon, Entry::Kind kind, const std::string& key) {
  std::optional<Entry> found;
  const auto target = target_of(kind) + (kind == Entry::Kind::trap ? "?address=" : "?prefix=") + percent_encode(key);
  auto done = each_at(daemon, target, kind, [&](const Entry& entry) {
    found = entry;
    return false;
  });
  if (!done) return tl::unexpected(done.error());
  return found;
}

}  // namespace deferd::ctl
