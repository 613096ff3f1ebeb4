#include "daemon/runner_commands.h"

#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/command_message.h"
#include "ops/spawn.h"

namespace deferd {

/// The conversation with the runner. Thread-safe.
class RunnerCommands::Line {
 public:
  explicit Line(std::function<Descriptor()> next_channel) : next_channel_(std::move(next_channel)) {}

  Result<std::uint32_t> start(const Command& command, const Descriptor& its_end) {
    const std::lock_guard lock(mutex_);
    hear();
    if (!channel_) return fail(Errc::unavailable, "the process that runs programs is away; it is started again");
    const auto id = next_id_++;
    const int fd = its_end.get();
    if (auto sent = send_fds(channel_.get(), to_bytes(StartCommand{id, command}), {&fd, 1}); !sent)
      return fail(Errc::unavailable, "the process that runs programs does not answer: " + sent.error().what);
    running_.emplace(id, std::nullopt);
    return id;
  }

  std::optional<CommandEnd> ended(std::uint32_t id) {
    const std::lock_guard lock(mutex_);
    hear();
    return running_.at(id);
  }

  void kill(std::uint32_t id) {
    const std::lock_guard lock(mutex_);
    hear();
    if (running_.at(id)) return;
    unsent_kills_.push_back(id);
    send_kills();
  }

  /// Nobody asks about it any more.
  void forget(std::uint32_t id) {
    const std::lock_guard lock(mutex_);
    running_.erase(id);
  }

 private:
  void hear() {
    read_reports();
    if (auto fresh = next_channel_()) {
      lose();
      channel_ = std::move(fresh);
      read_reports();
    }
    send_kills();
  }

  void read_reports() {
    while (channel_) {
      const auto message = receive_fds(channel_.get(), kMostMessageBytes, 0);
      if (!message && message.error().code == Errc::busy) return;
      const auto report = message ? read_report(message->bytes) : std::nullopt;
      if (!report) return lose();
      if (const auto its = running_.find(report->id); its != running_.end()) its->second = report->end;
    }
  }

  void send_kills() {
    while (channel_ && !unsent_kills_.empty()) {
      if (!send_fds(channel_.get(), to_bytes(KillCommand{unsent_kills_.back()}), {})) return;  // next time
      unsent_kills_.pop_back();
    }
  }

  void lose() {
    channel_ = {};
    unsent_kills_.clear();
    for (auto& [id, end] : running_)
      if (!end) end = CommandEnd{CommandEnd::How::lost, 0};
  }

  std::mutex mutex_;
  const std::function<Descriptor()> next_channel_;
  Descriptor channel_;
  std::uint32_t next_id_ = 1;
  std::map<std::uint32_t, std::optional<CommandEnd>> running_;  // those that somebody holds
  std::vector<std::uint32_t> unsent_kills_;
};

class RunnerCommands::Program final : public Running {
 public:
  Program(std::shared_ptr<Line> line, std::uint32_t id, Descriptor ours, Command::AtEnd at_end)
      : line_(std::move(line)), id_(id), ours_(std::move(ours)), at_end_(at_end) {}

  ~Program() override {
    if (at_end_ == Command::AtEnd::killed) line_->kill(id_);
    line_->forget(id_);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  int descriptor() const override { return ours_.get(); }
  std::optional<CommandEnd> ended() override { return line_->ended(id_); }
  void kill() override { line_->kill(id_); }

 private:
  const std::shared_ptr<Line> line_;
  const std::uint32_t id_;
  const Descriptor ours_;
  const Command::AtEnd at_end_;
};

RunnerCommands::RunnerCommands(std::function<Descriptor()> next_channel)
    : line_(std::make_shared<Line>(std::move(next_channel))) {}
RunnerCommands::~RunnerCommands() = default;

Result<std::unique_ptr<Running>> RunnerCommands::start(const Command& command) {
  if (auto right = check_command(command); !right) return tl::unexpected(right.error());
  auto ends = connect_command(command.talk);
  if (!ends) return tl::unexpected(ends.error());
  const auto id = line_->start(command, ends->second);
  if (!id) return tl::unexpected(id.error());
  return std::make_unique<Program>(line_, *id, std::move(ends->first), command.at_end);
}

}  // namespace deferd
