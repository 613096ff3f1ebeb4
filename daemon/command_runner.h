// The process that runs commands for the worker as a user of their own: it starts what it is told to, says how that ended, and
// ends with the worker.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "daemon/command_message.h"
#include "ops/descriptors.h"
#include "ops/signals.h"

namespace deferd {

/// In a process of its own without threads. It never touches what a command says: the worker holds the other ends.
class CommandRunner {
 public:
  static constexpr std::size_t kMostCommands = 256;  ///< That run at a time.

  /// `channel` is one end of make_socket_pair(); RunnerCommands has the other.
  explicit CommandRunner(Descriptor channel);

  /// Until the worker's end of the channel is closed, or SIGTERM; kills then all that is not to be left alone. Returns the exit
  /// code: not 0 only if the worker talked nonsense.
  int run();

 private:
  struct Child {
    std::uint32_t id;
    pid_t pid;
    bool left;
  };

  std::optional<int> hear();
  bool obey(Message message);
  void start(const StartCommand& start, const Descriptor& its_end);
  void kill(std::uint32_t id);
  void take_ends();
  void report();

  SignalWaiter signals_;
  const Descriptor channel_;
  std::vector<Child> children_;
  std::deque<CommandEnded> unsaid_;  // as long as the worker does not read
};

}  // namespace deferd
