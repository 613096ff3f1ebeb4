// Programs that the worker starts itself, as the user that it is.
#pragma once
#include <memory>

#include "deferd/commands.h"

namespace deferd {

/// What is left alone runs on when the daemon ends, and so does everything if that is killed; where programs have a user of their
/// own there is RunnerCommands. Thread-safe.
class OwnCommands final : public Commands {
 public:
  OwnCommands();
  ~OwnCommands() override;

  Result<std::unique_ptr<Running>> start(const Command& command) override;

  /// Takes leave of programs that have ended and that nobody holds any more. After SIGCHLD; start() does it as well.
  void reap();

  /// Kills all but what is left alone, whoever holds it, and starts nothing any more: for a daemon that ends without destroying
  /// what it has.
  void end();

 private:
  class Children;
  class Program;
  const std::shared_ptr<Children> children_;
};

}  // namespace deferd
