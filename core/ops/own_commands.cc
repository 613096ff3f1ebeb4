#include "ops/own_commands.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "ops/spawn.h"

namespace deferd {

/// All that were started and are not reaped yet: as long as a process is here, its number is nobody else's. Thread-safe.
class OwnCommands::Children {
 public:
  /// Its process, or an errno.
  tl::expected<pid_t, int> start(const Command& command, int its_end) {
    if (state_.lock()->ended) return tl::unexpected(ECANCELED);
    auto pid = spawn(command, its_end);  // not under the lock: exec(2) may wait for a disk
    if (!pid) return pid;
    auto state = state_.lock();
    state->all.push_back({*pid, command.at_end});
    if (state->ended && command.at_end == Command::AtEnd::killed) ::kill(-*pid, SIGKILL);
    return pid;
  }

  /// Nullopt while it runs.
  std::optional<CommandEnd> ended(pid_t pid) {
    auto state = state_.lock();
    auto end = take_end(pid);
    if (end) std::erase_if(state->all, [pid](const Child& child) { return child.pid == pid; });
    return end;
  }

  /// Nobody holds it any more.
  void abandon(pid_t pid) {
    auto state = state_.lock();
    const auto child = std::find_if(state->all.begin(), state->all.end(), [pid](const Child& one) { return one.pid == pid; });
    child->held = false;
    if (child->at_end == Command::AtEnd::killed) ::kill(-pid, SIGKILL);
  }

  void reap() {
    std::erase_if(state_.lock()->all, [](const Child& child) { return !child.held && take_end(child.pid); });
  }

  void end() {
    auto state = state_.lock();
    state->ended = true;
    for (const auto& child : state->all)
      if (child.at_end == Command::AtEnd::killed) ::kill(-child.pid, SIGKILL);
  }

 private:
  struct Child {
    pid_t pid;
    Command::AtEnd at_end;
    bool held = true;
  };
  struct State {
    std::vector<Child> all;
    bool ended = false;
  };
  Guarded<State> state_;
};

class OwnCommands::Program final : public Running {
 public:
  Program(pid_t pid, Descriptor ours, std::shared_ptr<Children> children)
      : pid_(pid), ours_(std::move(ours)), children_(std::move(children)) {}

  ~Program() override {
    if (!end_) children_->abandon(pid_);
    children_->reap();
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  int descriptor() const override { return ours_.get(); }

  std::optional<CommandEnd> ended() override {
    children_->reap();
    if (!end_) end_ = children_->ended(pid_);
    return end_;
  }

  void kill() override {
    if (!end_) ::kill(-pid_, SIGKILL);
  }

 private:
  const pid_t pid_;  // once end_ is known it may be another's
  const Descriptor ours_;
  const std::shared_ptr<Children> children_;
  std::optional<CommandEnd> end_;
};

OwnCommands::OwnCommands() : children_(std::make_shared<Children>()) {}
OwnCommands::~OwnCommands() = default;

void OwnCommands::reap() { children_->reap(); }
void OwnCommands::end() { children_->end(); }

Result<std::unique_ptr<Running>> OwnCommands::start(const Command& command) {
  reap();
  if (auto right = check_command(command); !right) return tl::unexpected(right.error());
  auto ends = connect_command(command.talk);
  if (!ends) return tl::unexpected(ends.error());
  const auto pid = children_->start(command, ends->second.get());
  if (!pid) return fail(Errc::unavailable, command.words.front() + ": " + std::strerror(pid.error()));
  return std::make_unique<Program>(*pid, std::move(ends->first), children_);
}

}  // namespace deferd
