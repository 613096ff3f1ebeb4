#include "daemon/helpers.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>

#include "deferd/schema.h"
#include "ops/safe_path.h"

namespace deferd {
namespace {

constexpr int kLinesAMinute = 60;  // of a helper

}  // namespace

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return fmt::format("killed by signal {}", WTERMSIG(status));
  return fmt::format("exit code {}", WEXITSTATUS(status));
}

Helpers::Helper::Helper(const Clock& clock) : noise(clock, kLinesAMinute, std::chrono::minutes(1)) {}

Helpers::Helpers(const std::string& config_file, const std::vector<std::vector<std::string>>& commands, const Clock& clock,
                 Log& log)
    : clock_(clock), log_(log) {
  Problems problems;
  if (!commands.empty())
    if (auto safe = check_safe(config_file); !safe) problems.error({}, "helpers", safe.error().what);
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const auto& name = commands[i].front();
    auto program = find_helper(name);
    if (!program) {
      problems.error({}, fmt::format("helpers[{}]", i), program.error().what);
      continue;
    }
    auto& helper = helpers_.emplace_back(clock);
    helper.name = fmt::format("{}[{}]", name.substr(name.rfind('/') + 1), i);
    helper.program = std::move(*program);
    helper.command = commands[i];
  }
  if (problems.failed()) throw ConfigError(std::move(problems));
}

void Helpers::start() {
  for (auto& helper : helpers_) start(helper);
}

void Helpers::start_the_due() {
  for (auto& helper : helpers_)
    if (helper.due && *helper.due <= clock_.steady()) start(helper);
}

void Helpers::start(Helper& helper) {
  helper.due.reset();
  helper.respawn.started(clock_.steady());
  try {
    helper.run.emplace(helper.program, helper.command);
    log_.notice("monitor.helper_started", {{"helper", helper.name}, {"pid", static_cast<int>(helper.run->pid())}});
  } catch (const ErrorException& error) {
    const auto wait = helper.respawn.ended(clock_.steady());
    helper.due = clock_.steady() + wait;
    log_.error("monitor.helper_not_started",
               {{"helper", helper.name}, {"what", error.what()}, {"again_in_s", std::int64_t{wait.count()}}});
  }
}

void Helpers::end() {
  ending_ = true;
  for (auto& helper : helpers_) {
    helper.due.reset();
    if (helper.run) ::kill(helper.run->pid(), SIGTERM);
  }
}

void Helpers::kill() {
  for (const auto& helper : helpers_)
    if (helper.run) ::kill(helper.run->pid(), SIGKILL);
}

bool Helpers::live() const {
  return std::any_of(helpers_.begin(), helpers_.end(), [](const Helper& helper) { return helper.run.has_value(); });
}

std::optional<SteadyTime> Helpers::due() const {
  std::optional<SteadyTime> first;
  for (const auto& helper : helpers_)
    if (helper.due && (!first || *helper.due < *first)) first = helper.due;
  return first;
}

void Helpers::wait_for(std::vector<pollfd>& others) const {
  for (const auto& helper : helpers_) others.push_back({helper.run ? helper.run->output() : -1, POLLIN, 0});
}

void Helpers::hear(std::span<const pollfd> others) {
  for (std::size_t i = 0; i < helpers_.size(); ++i)
    if (others[i].revents != 0) hear(helpers_[i]);
}

void Helpers::hear(Helper& helper) {
  helper.run->read([&](std::string_view line) {
    if (const auto left_out = helper.noise.admit())
      log_.notice("monitor.helper_said", {{"helper", helper.name}, {"line", line}, {"left_out", *left_out}});
  });
}

void Helpers::ended(pid_t pid, int status) {
  for (auto& helper : helpers_) {
    if (!helper.run || helper.run->pid() != pid) continue;
    hear(helper);  // its last words
    helper.run.reset();
    if (ending_) return;
    const auto wait = helper.respawn.ended(clock_.steady());
    helper.due = clock_.steady() + wait;
    log_.error("monitor.helper_ended",
               {{"helper", helper.name}, {"how", how_it_ended(status)}, {"again_in_s", std::int64_t{wait.count()}}});
    return;
  }
}

}  // namespace deferd
