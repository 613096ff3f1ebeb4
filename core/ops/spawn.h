// Starting a program for somebody who asked for it by deferd/commands.h: in the worker itself, or in the process that does it for
// the worker.
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "deferd/commands.h"
#include "ops/descriptors.h"

namespace deferd {

inline constexpr std::size_t kMostCommandWords = 256;
inline constexpr std::size_t kMostCommandBytes = 8'000;  ///< Of all words: a message of that size fits every system's sockets.

/// Whether its words can be run at all. Errors: invalid.
Result<void> check_command(const Command& command);

/// Two ends of what a command is spoken to by: ours, which does not block, and the program's. Both are closed on exec. Errors:
/// io.
Result<std::pair<Descriptor, Descriptor>> connect_command(Command::Talk talk);

/// Starts `command` as deferd/commands.h says, with `its_end` of connect_command(). Returns its process, which leads a group, or
/// an errno. Any thread. Where posix_spawn(3) cannot change the folder (OpenBSD) it runs in ours instead of `/`.
tl::expected<pid_t, int> spawn(const Command& command, int its_end);

/// Whether the child `pid` has ended. If so the rest of its process group is killed, and it is reaped: `pid` means nothing any
/// more. Does not wait.
std::optional<CommandEnd> take_end(pid_t pid);

}  // namespace deferd
