#include "pfbridge/helper/program_table.h"

#include "pfbridge/helper/command.h"

namespace deferd::bridge {

std::vector<std::string> ProgramTable::with(const char* what) const {
  auto argv = command_;
  argv.push_back(what);
  return argv;
}

Result ProgramTable::run(const char* what, const std::string& input, std::size_t count) const {
  const auto done = run_command(with(what), input, {time_});
  if (!done.ok()) return Result::failed(done.failure);
  return {{}, static_cast<std::uint32_t>(count)};
}

Result ProgramTable::add(std::span<const Row> rows) {
  std::string input;
  for (const Row& row : rows) input += row.entry.to_string() + ' ' + std::to_string(row.seconds) + '\n';
  return run("add", input, rows.size());
}

Result ProgramTable::remove(std::span<const Entry> entries) {
  std::string input;
  for (const Entry& entry : entries) (input += entry.to_string()) += '\n';
  return run("remove", input, entries.size());
}

Result ProgramTable::read(std::vector<Entry>& entries) {
  const auto done = run_command(with("show"), {}, {time_});
  if (!done.ok()) return Result::failed(done.failure);
  const std::size_t before = entries.size();
  std::string_view text = done.output;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto entry = end == std::string_view::npos ? std::nullopt : Entry::parse(text.substr(0, end));
    if (!entry) {
      entries.resize(before);
      return Result::failed(command_[0] + " show printed something else than lines of addresses");
    }
    entries.push_back(*entry);
    text.remove_prefix(end + 1);
  }
  return {{}, static_cast<std::uint32_t>(entries.size() - before)};
}

Result ProgramTable::check() { return run("check", {}, 0); }

}  // namespace deferd::bridge
