#include "pfbridge/helper/pfctl.h"

#include <algorithm>

#include "pfbridge/helper/command.h"

namespace deferd::bridge {
namespace {

// Below the 32,768 and 65,535 that FreeBSD takes in one call, and soon done: pf is locked meanwhile.
constexpr std::size_t kPerCommand = 10'000;

// Calls `line` for each line; false: it returned false, or the last line has no end.
template <class Line>
bool each_line(std::string_view text, Line line) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos || !line(text.substr(0, end))) return false;
    text.remove_prefix(end + 1);
  }
  return true;
}

}  // namespace

bool read_pfctl_show(std::string_view text, std::vector<Entry>& entries) {
  return each_line(text, [&](std::string_view line) {
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (line.starts_with('!')) return true;
    const auto entry = Entry::parse(line);
    if (entry) entries.push_back(*entry);
    return entry.has_value();
  });
}

TableUse find_pfctl_table(std::string_view text, std::string_view table) {
  TableUse use = TableUse::absent;
  each_line(text, [&](std::string_view line) {
    const auto tab = line.find('\t');
    if (tab == std::string_view::npos) return true;
    auto name = line.substr(tab + 1);
    name = name.substr(0, name.find('@'));
    if (name != table) return true;
    use = line.substr(0, tab).find_first_of("rh") == std::string_view::npos ? TableUse::unused : TableUse::used;
    return use != TableUse::used;
  });
  return use;
}

std::vector<std::string> Pfctl::table_command(const char* what) const {
  auto argv = config_.command;
  argv.push_back("-q");
  if (!config_.anchor.empty()) argv.insert(argv.end(), {"-a", config_.anchor});
  argv.insert(argv.end(), {"-t", config_.table, "-T", what});
  return argv;
}

Result Pfctl::change(const char* what, std::span<const Entry> entries) {
  Result result;
  while (!entries.empty()) {
    const auto some = entries.first(std::min(kPerCommand, entries.size()));
    entries = entries.subspan(some.size());
    std::string input;
    for (const Entry& entry : some) (input += entry.to_string()) += '\n';
    auto argv = table_command(what);
    argv.insert(argv.end(), {"-f", "-"});
    const auto done = run_command(argv, input, {config_.time});
    if (!done.ok()) {
      result.error = done.failure;
      break;
    }
    result.changed += static_cast<std::uint32_t>(some.size());
  }
  return result;
}

Result Pfctl::add(std::span<const Row> rows) {
  if (!found_)
    if (auto result = check(); !found_) return result;
  std::vector<Entry> entries;
  entries.reserve(rows.size());
  for (const Row& row : rows) entries.push_back(row.entry);
  return change("add", entries);
}

Result Pfctl::remove(std::span<const Entry> entries) { return change("delete", entries); }

Result Pfctl::read(std::vector<Entry>& entries) {
  const auto done = run_command(table_command("show"), {}, {config_.time});
  if (!done.ok()) return Result::failed(done.failure);
  const std::size_t before = entries.size();
  if (!read_pfctl_show(done.output, entries)) {
    entries.resize(before);
    return Result::failed(config_.command.back() + " -T show printed something else than addresses");
  }
  return {{}, static_cast<std::uint32_t>(entries.size() - before)};
}

Result Pfctl::check() {
  auto argv = config_.command;
  if (!config_.anchor.empty()) argv.insert(argv.end(), {"-a", config_.anchor});
  argv.push_back("-vsT");
  const auto done = run_command(argv, {}, {config_.time});
  if (!done.ok()) return Result::failed(done.failure);
  const TableUse use = find_pfctl_table(done.output, config_.table);
  found_ = use != TableUse::absent;
  if (use == TableUse::absent)
    return Result::failed("pf has no table <" + config_.table + ">: declare it in pf.conf: table <" + config_.table +
                          "> persist");
  if (use == TableUse::unused) return Result::failed("no rule of pf uses the table <" + config_.table + ">");
  return {};
}

}  // namespace deferd::bridge
