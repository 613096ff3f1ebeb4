// The worker's side of the process that runs commands (CommandRunner).
#pragma once
#include <functional>
#include <memory>

#include "deferd/commands.h"
#include "ops/descriptors.h"

namespace deferd {

/// Has programs started by whatever runner there is at the moment. Without one start() fails, and what ran by one that has ended
/// is lost.
class RunnerCommands final : public Commands {
 public:
  /// `next_channel` gives the channel to a runner that was started since it was last asked, or none. It must not block.
  explicit RunnerCommands(std::function<Descriptor()> next_channel);
  ~RunnerCommands() override;

  Result<std::unique_ptr<Running>> start(const Command& command) override;

 private:
  class Line;
  class Program;
  const std::shared_ptr<Line> line_;
};

}  // namespace deferd
