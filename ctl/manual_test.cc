// deferctl(8) names every command, option and exit code there is.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "ctl/arguments.h"
#include "ctl/exit_code.h"

namespace deferd::ctl {
namespace {

std::string manual() {
  std::ifstream file(DEFERCTL_MANUAL);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << DEFERCTL_MANUAL;
  return text.str();
}

/// `-n` as mdoc writes it: `Fl n`; `--json`: `Fl -json`.
std::string flag(std::string name) { return "Fl " + name.substr(1); }

TEST(Manual, HasEveryCommandAndItsOptions) {
  const std::string text = manual();
  CLI::App app;
  Arguments arguments;
  describe(app, arguments);
  const auto commands = app.get_subcommands([](CLI::App*) { return true; });
  EXPECT_GE(commands.size(), 12u);
  for (const CLI::App* command : commands) {
    const auto start = text.find(".It Cm " + command->get_name());
    ASSERT_NE(start, std::string::npos) << command->get_name();
    const std::string entry = text.substr(start, text.find("\n.It Cm", start + 1) - start);
    for (const CLI::Option* option : command->get_options()) {
      if (option->get_positional() || option->get_name() == "--help") continue;
      EXPECT_NE(entry.find(flag(option->get_name())), std::string::npos) << command->get_name() << " " << option->get_name();
    }
  }
}

TEST(Manual, HasNoCommandThatIsNotThere) {
  const std::string text = manual();
  CLI::App app;
  Arguments arguments;
  describe(app, arguments);
  const std::string item = ".It Cm ";
  for (auto found = text.find(item); found != std::string::npos; found = text.find(item, found + 1)) {
    const auto start = found + item.size();
    const std::string name = text.substr(start, text.find_first_of(" \n", start) - start);
    EXPECT_FALSE(app.get_subcommands([&](CLI::App* command) { return command->get_name() == name; }).empty()) << name;
  }
}

TEST(Manual, HasEveryExitCode) {
  const std::string text = manual();
  for (const ExitCode code : {kOk, kNothing, kIll, kUsage, kRefused, kUnreachable, kBrokeOff, kFailed, kTryAgain, kNotPermitted})
    EXPECT_NE(text.find("\n.It " + std::to_string(code) + "\n"), std::string::npos) << code;
}

}  // namespace
}  // namespace deferd::ctl
