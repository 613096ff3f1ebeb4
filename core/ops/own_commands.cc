#include "ops/own_commands.h"

#include <csignal>
#include <cstring>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "ops/spawn.h"

namespace deferd {

/// Programs that nobody holds any more and that are to be reaped.
struct OwnCommands::Abandoned {
  Guarded<std::vector<pid_t>> pids;

  void reap() {
    std::erase_if(*pids.lock(), [](pid_t pid) { return take_end(pid).has_value(); });
  }
};

class OwnCommands::Program final : public Running {
 public:
  Program(pid_t pid, Descriptor ours, Command::AtEnd at_end, std::shared_ptr<Abandoned> abandoned)
      : pid_(pid), ours_(std::move(ours)), at_end_(at_end), abandoned_(std::move(abandoned)) {}

  ~Program() override {
    if (!end_ && at_end_ == Command::AtEnd::killed) kill();
    if (!end_) abandoned_->pids.lock()->push_back(pid_);
    abandoned_->reap();
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  int descriptor() const override { return ours_.get(); }

  std::optional<CommandEnd> ended() override {
    abandoned_->reap();
    if (!end_) end_ = take_end(pid_);
    return end_;
  }

  void kill() override {
    if (!end_) ::kill(-pid_, SIGKILL);
  }

 private:
  const pid_t pid_;  // once end_ is known it may be another's
  const Descriptor ours_;
  const Command::AtEnd at_end_;
  const std::shared_ptr<Abandoned> abandoned_;
  std::optional<CommandEnd> end_;
};

OwnCommands::OwnCommands() : abandoned_(std::make_shared<Abandoned>()) {}
OwnCommands::~OwnCommands() = default;

void OwnCommands::reap() { abandoned_->reap(); }

Result<std::unique_ptr<Running>> OwnCommands::start(const Command& command) {
  reap();
  if (auto right = check_command(command); !right) return tl::unexpected(right.error());
  auto ends = connect_command(command.talk);
  if (!ends) return tl::unexpected(ends.error());
  const auto pid = spawn(command, ends->second.get());
  if (!pid) return fail(Errc::unavailable, command.words.front() + ": " + std::strerror(pid.error()));
  return std::make_unique<Program>(*pid, std::move(ends->first), command.at_end, abandoned_);
}

}  // namespace deferd
