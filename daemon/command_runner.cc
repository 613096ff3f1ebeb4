#include "daemon/command_runner.h"

#include <sysexits.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "ops/spawn.h"

namespace deferd {
namespace {

constexpr std::chrono::hours kNothingToDo{1};  // SIGCHLD or the worker ends the wait
constexpr int kOrdersATurn = 64;

}  // namespace

CommandRunner::CommandRunner(Descriptor channel) : signals_(SignalWaiter::Children::told), channel_(std::move(channel)) {}

int CommandRunner::run() {
  std::optional<int> code;
  while (!code) {
    const auto events = static_cast<short>(unsaid_.empty() ? POLLIN : POLLIN | POLLOUT);
    pollfd channel{channel_.get(), events, 0};
    const auto event = signals_.wait_for(kNothingToDo, {&channel, 1});
    take_ends();
    code = hear();
    if (event == MainEvent::terminate) code = 0;
    report();
  }
  for (const auto& child : children_)
    if (!child.left) ::kill(-child.pid, SIGKILL);
  return *code;
}

/// The exit code, if that is the end.
std::optional<int> CommandRunner::hear() {
  for (int turn = 0; turn < kOrdersATurn; ++turn) {
    auto message = receive_fds(channel_.get(), kMostMessageBytes, 1);
    if (!message && message.error().code == Errc::busy) return std::nullopt;
    if (!message && message.error().code != Errc::invalid) return 0;
    if (!message || !obey(std::move(*message))) return EX_PROTOCOL;
  }
  return std::nullopt;
}

/// False: it is none of what a worker says.
bool CommandRunner::obey(Message message) {
  const auto order = read_order(message.bytes);
  if (!order) return false;
  if (const auto* its = std::get_if<KillCommand>(&*order)) {
    kill(its->id);
    return true;
  }
  if (message.descriptors.size() != 1) return false;
  start(std::get<StartCommand>(*order), message.descriptors.front());
  return true;
}

void CommandRunner::start(const StartCommand& start, const Descriptor& its_end) {
  const auto pid =
      children_.size() < kMostCommands ? spawn(start.command, its_end.get()) : tl::expected<pid_t, int>(tl::unexpect, EAGAIN);
  if (pid)
    children_.push_back({start.id, *pid, start.command.at_end == Command::AtEnd::left});
  else
    unsaid_.push_back({start.id, {CommandEnd::How::not_executed, pid.error()}});
}

void CommandRunner::kill(std::uint32_t id) {
  for (const auto& child : children_)
    if (child.id == id) ::kill(-child.pid, SIGKILL);
}

void CommandRunner::take_ends() {
  std::erase_if(children_, [this](const Child& child) {
    const auto end = take_end(child.pid);
    if (end) unsaid_.push_back({child.id, *end});
    return end.has_value();
  });
}

void CommandRunner::report() {
  for (; !unsaid_.empty(); unsaid_.pop_front())
    if (!send_fds(channel_.get(), to_bytes(unsaid_.front()), {})) return;
}

}  // namespace deferd
