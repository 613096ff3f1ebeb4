#include "daemon/worker_config.h"

#include <utility>

namespace deferd {

WorkerConfig::WorkerConfig(std::string file, LoadedConfig first)
    : file_(std::move(file)), first_(std::move(first)), in_force_(first_), given_(first_) {}

std::optional<LoadedConfig> WorkerConfig::read(Problems& problems) const {
  auto loaded = load_config(file_, problems);
  if (!loaded) return std::nullopt;
  loaded->config.listen.smtp = first_.config.listen.smtp;
  loaded->config.user = first_.config.user;
  loaded->config.group = first_.config.group;
  loaded->config.helpers = first_.config.helpers;
  return loaded;
}

const LoadedConfig& WorkerConfig::next(Log& log) {
  Problems problems;
  const bool go_back = std::exchange(refused_, false);
  auto loaded = go_back ? std::nullopt : read(problems);
  for (const auto& problem : problems.list())
    if (!problem.warning)
      log.error("monitor.config_problem",
                {{"line", static_cast<std::int64_t>(problem.mark.line)}, {"at", problem.path}, {"what", problem.message}});
  if (problems.failed()) log.error("monitor.config_refused", {{"file", file_}, {"what", "the former one stays in force"}});
  if (go_back)
    log.error("monitor.config_refused", {{"file", file_}, {"what", "no worker served by it, the former one is tried"}});
  from_file_ = loaded.has_value();
  given_ = loaded ? std::move(*loaded) : in_force_;
  return given_;
}

void WorkerConfig::ready() { in_force_ = given_; }

void WorkerConfig::refused() { refused_ = from_file_; }

void WorkerConfig::reloaded() {
  Problems problems;
  if (auto loaded = read(problems)) in_force_ = std::move(*loaded);
}

}  // namespace deferd
