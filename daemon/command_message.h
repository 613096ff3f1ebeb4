// What the worker and the process that runs commands for it say to each other: one message each on a socket that keeps them
// apart.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "deferd/commands.h"

namespace deferd {

/// The worker's: with the program's end of connect_command() as the only descriptor.
struct StartCommand {
  std::uint32_t id = 0;  ///< The worker's; never used again.
  Command command;
};
/// The worker's: kill it, with its process group.
struct KillCommand {
  std::uint32_t id = 0;
};
/// The runner's: it has ended, and that is the last that is heard of it.
struct CommandEnded {
  std::uint32_t id = 0;
  CommandEnd end;
};

inline constexpr std::size_t kMostMessageBytes = 8'100;  ///< Of any message.

/// `start.command` must pass check_command().
std::string to_bytes(const StartCommand& start);
std::string to_bytes(const KillCommand& kill);
std::string to_bytes(const CommandEnded& ended);

/// Nullopt if it is none of theirs. What it gives passes check_command().
std::optional<std::variant<StartCommand, KillCommand>> read_order(std::string_view bytes);
std::optional<CommandEnded> read_report(std::string_view bytes);

}  // namespace deferd
