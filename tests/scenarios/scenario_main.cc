// scenario [--via pipeline|milter|smtp] [--plugins DIR] [--jobs N] FILE|FOLDER...: plays scenario files and tells what went other
// than expected. With --stream it also writes down what was decided; `scenario --compare STREAM...` tells where such files
// differ.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <sstream>
#include <thread>

#include "support/decision_stream.h"
#include "support/milter_driver.h"
#include "support/pipeline_driver.h"
#include "support/smtp_driver.h"

namespace {

namespace fs = std::filesystem;
using namespace deferd;

struct Options {
  std::vector<std::string> paths, plugin_dirs;
  std::vector<std::string> ways = {"pipeline"};
  std::string except, stream, bin_dir;
  std::size_t jobs = 4;  // played to a deferd they wait more than they compute
  bool compare = false;
};

std::string read(const std::string& file) {
  std::ifstream stream(file);
  if (!stream) throw std::runtime_error(file + ": cannot be read");
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

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

/// A list of scenarios that cannot be played as others: `FILE REASON` a line, files named from the list's folder.
std::map<std::string, std::string> exceptions(const std::string& list) {
  std::map<std::string, std::string> reasons;
  if (list.empty()) return reasons;
  std::istringstream lines(read(list));
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    const auto blank = line.find(' ');
    if (blank == std::string::npos) throw std::runtime_error(list + ": '" + line + "' lacks a reason");
    const auto file = fs::absolute(list).parent_path() / line.substr(0, blank);
    if (!fs::exists(file)) throw std::runtime_error(list + ": there is no " + file.string());
    reasons[fs::canonical(file).string()] = line.substr(blank + 1);
  }
  return reasons;
}

struct Played {
  std::string file, way;
  std::vector<std::string> wrong;  ///< What went other than expected.
  std::vector<scenario::Decided> decisions;
};

void play_into(Played& played, const Options& options) {
  const auto scenario = scenario::parse(played.file, read(played.file));
  if (!scenario) throw std::runtime_error(scenario.error().what);
  auto driver = played.way == "milter" ? scenario::make_milter_driver(*scenario, options.bin_dir, options.plugin_dirs)
                : played.way == "smtp" ? scenario::make_smtp_driver(*scenario, options.bin_dir, options.plugin_dirs)
                                       : scenario::make_pipeline_driver(*scenario, options.plugin_dirs);
  if (!driver) throw std::runtime_error(driver.error().what);
  played.wrong = scenario::play(*scenario, **driver);
  if (played.wrong.empty() && !options.stream.empty()) played.decisions = (*driver)->decisions();
}

/// Any thread.
Played play_file(const std::string& file, const std::string& way, const Options& options) {
  Played played{file, way, {}, {}};
  try {
    play_into(played, options);
  } catch (const std::exception& error) {
    played.wrong = {error.what()};
  }
  return played;
}

/// Plays on threads of its own. Results are taken in the order of the tasks, each as soon as it is there.
class Players {
 public:
  explicit Players(const Options& options) {
    for (const auto& way : options.ways)
      for (const auto& file : files_of(options.paths))
        tasks_.emplace_back([file, way, &options] { return play_file(file, way, options); });
    for (auto& task : tasks_) results_.push_back(task.get_future());
    while (threads_.size() < std::min(options.jobs, tasks_.size()))
      threads_.emplace_back([this] {
        for (auto i = next_++; i < tasks_.size(); i = next_++) tasks_[i]();
      });
  }
  std::vector<std::future<Played>>& results() { return results_; }

 private:
  std::vector<std::packaged_task<Played()>> tasks_;
  std::vector<std::future<Played>> results_;
  std::atomic<std::size_t> next_ = 0;
  std::vector<std::jthread> threads_;
};

int play(const Options& options) {
  const auto reasons = exceptions(options.except);
  std::string stream;
  int passed = 0, failed = 0, excepted = 0;
  Players players(options);
  for (auto& result : players.results()) {
    auto [file, way, wrong, decisions] = result.get();
    const auto reason = reasons.find(fs::canonical(file).string());
    if (reason != reasons.end() && !wrong.empty()) {
      fmt::print("{:4} {:8} {}: {}\n", "no", way, file, reason->second);
      stream += scenario::stream_without(file);
      ++excepted;
      continue;
    }
    if (reason != reasons.end()) wrong = {"goes as expected, though it is in " + options.except};
    fmt::print("{:4} {:8} {}\n", wrong.empty() ? "ok" : "FAIL", way, file);
    for (const auto& line : wrong) fmt::print("       {}\n", line);
    stream += scenario::stream_of(file, decisions);
    ++(wrong.empty() ? passed : failed);
  }
  fmt::print("{} passed, {} failed", passed, failed);
  if (excepted > 0) fmt::print(", {} cannot be played this way", excepted);
  fmt::print("\n");
  if (!options.stream.empty()) std::ofstream(options.stream) << stream;
  return failed == 0 && passed > 0 ? 0 : 1;
}

int compare(const std::vector<std::string>& streams) {
  const auto first = read(streams.front());
  std::size_t count = 0;
  for (std::size_t i = 1; i < streams.size(); ++i)
    for (const auto& difference : scenario::differences(first, read(streams[i]))) {
      fmt::print("{} and {}: {}\n", streams.front(), streams[i], difference);
      ++count;
    }
  fmt::print("{} lines in {}, {} differences\n", std::count(first.begin(), first.end(), '\n'), streams.front(), count);
  return count == 0 && !first.empty() && streams.size() > 1 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
  Options options;
  CLI::App app{"Plays scenario files; tests/scenarios/README.md has their syntax."};
  app.add_option("files", options.paths, "scenario files, or folders of them")->required();
  app.add_option("--via", options.ways, "pipeline, milter, smtp; may be given more than once")
      ->check(CLI::IsMember({"pipeline", "milter", "smtp"}))
      ->allow_extra_args(false);
  app.add_option("--plugins", options.plugin_dirs, "folders plugins are loaded from, instead of those just built")
      ->allow_extra_args(false);
  app.add_option("--except", options.except, "a list of scenarios that cannot be played this way, with reasons");
  app.add_option("--stream", options.stream, "where to write what was decided");
  app.add_option("--jobs", options.jobs, "how many are played at once")->check(CLI::Range(1, 100))->capture_default_str();
  app.add_flag("--compare", options.compare, "the files are such streams: tell where they differ from the first");
  CLI11_PARSE(app, argc, argv);
  if (options.compare) return compare(options.paths);

  ::setenv("TZ", "UTC0", 1);  // rules with a time of day mean the system's
  options.bin_dir = fs::read_symlink("/proc/self/exe").parent_path().string();
  if (options.plugin_dirs.empty()) options.plugin_dirs.push_back((fs::path(options.bin_dir).parent_path() / "plugins").string());
  return play(options);
} catch (const std::exception& error) {
  fmt::print(stderr, "scenario: {}\n", error.what());
  return 2;
}
