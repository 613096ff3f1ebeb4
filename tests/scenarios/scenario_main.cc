// scenario [--via pipeline|milter] [--plugins DIR] FILE|FOLDER...: plays scenario files and tells what went other than expected.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "support/milter_driver.h"
#include "support/pipeline_driver.h"

namespace {

namespace fs = std::filesystem;
using namespace deferd;

/// Files as they are, folders as the .scn files below them.
std::vector<std::string> files_of(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const auto& path : paths) {
    if (!fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(path))
      if (entry.path().extension() == ".scn") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> play_file(const std::string& file, const std::string& via, const std::string& bin_dir,
                                   const std::vector<std::string>& plugin_dirs) {
  std::ifstream stream(file);
  if (!stream) return {file + ": cannot be read"};
  std::stringstream text;
  text << stream.rdbuf();
  const auto scenario = scenario::parse(file, text.str());
  if (!scenario) return {scenario.error().what};
  auto driver = via == "milter" ? scenario::make_milter_driver(*scenario, bin_dir, plugin_dirs)
                                : scenario::make_pipeline_driver(*scenario, plugin_dirs);
  if (!driver) return {driver.error().what};
  return scenario::play(*scenario, **driver);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> paths, plugin_dirs;
  std::vector<std::string> ways = {"pipeline"};
  CLI::App app{"Plays scenario files; tests/scenarios/README.md has their syntax."};
  app.add_option("files", paths, "scenario files, or folders of them")->required();
  app.add_option("--via", ways, "pipeline, milter; may be given more than once")
      ->check(CLI::IsMember({"pipeline", "milter"}))
      ->allow_extra_args(false);
  app.add_option("--plugins", plugin_dirs, "folders plugins are loaded from, instead of those just built")
      ->allow_extra_args(false);
  CLI11_PARSE(app, argc, argv);
  ::setenv("TZ", "UTC0", 1);  // rules with a time of day mean the system's

  const auto bin_dir = fs::read_symlink("/proc/self/exe").parent_path();
  if (plugin_dirs.empty()) plugin_dirs.push_back((bin_dir.parent_path() / "plugins").string());
  int passed = 0, failed = 0;
  for (const auto& way : ways)
    for (const auto& file : files_of(paths)) {
      std::vector<std::string> wrong;
      try {
        wrong = play_file(file, way, bin_dir.string(), plugin_dirs);
      } catch (const std::exception& error) {
        wrong = {file + ": " + error.what()};
      }
      fmt::print("{:4} {:8} {}\n", wrong.empty() ? "ok" : "FAIL", way, file);
      for (const auto& line : wrong) fmt::print("       {}\n", line);
      ++(wrong.empty() ? passed : failed);
    }
  fmt::print("{} passed, {} failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}
