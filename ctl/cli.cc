#include "ctl/cli.h"

#include <algorithm>
#include <utility>

#include "ctl/commands.h"
#include "ctl/table.h"

namespace deferd::ctl {
namespace {

using Command = Outcome<void> (*)(const Job&);

constexpr std::pair<std::string_view, Command> kCommands[] = {
    {"status", status},         {"list", list},          {"show", show},         {"explain", explain},
    {"plugins", plugins},       {"stats", stats},        {"lists", lists},       {"add", add},
    {"delete", forget},         {"release", release},    {"expect", expect},     {"reload", reload},
    {"backup", backup},         {"import", import_file}, {"export", export_all}, {"spf", spf_walk},
    {"migrate", migrate_spamd}, {"doctor", doctor},      {"pf-rules", pf_rules}, {"bridge", bridge},
};

Command command_named(std::string_view name) {
  for (const auto& [known, command] : kCommands)
    if (known == name) return command;
  return nullptr;
}

}  // namespace

int run(std::vector<std::string> words, const Screen& screen) {
  CLI::App app("", "deferctl");
  Arguments arguments;
  describe(app, arguments);
  std::reverse(words.begin(), words.end());  // as CLI11 wants them
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, screen.out, screen.err) == 0 ? kOk : kUsage;
  }
  const Daemon daemon(arguments.socket);
  const Command command = command_named(app.get_subcommands().front()->get_name());
  auto outcome = command(Job{arguments, daemon, screen});
  if (!outcome) {
    screen.err << "deferctl: " << escaped_lines(outcome.error().what) << '\n';
    return outcome.error().code;
  }
  return kOk;
}

}  // namespace deferd::ctl
