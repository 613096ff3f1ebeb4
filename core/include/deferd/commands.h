// Programs that plugins have run (lists that a program prints, ssh to another machine), without a shell. Where root starts deferd
// and there is a user for them (`commands.user`, deferd(8)), they run as that user, else as the daemon's own.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "deferd/result.h"

namespace deferd {

/// What to run, and how it is connected. It leads a process group of its own, in `/`, with PATH for its whole environment, all
/// signals as usual, and no descriptors but standard input, output and error.
struct Command {
  enum class Talk : std::uint8_t {
    listen,  ///< Its standard input is empty, its standard output is a pipe that is read.
    both,    ///< Its standard input and output are one Unix socket (SOCK_STREAM).
  };
  enum class Errors : std::uint8_t {
    dropped,
    shown,  ///< Where deferd's own standard error goes.
  };
  enum class AtEnd : std::uint8_t {
    killed,
    left,  ///< It shall see by itself that nobody speaks to it any more.
  };

  std::vector<std::string> words;  ///< The program, looked for in PATH unless it has a slash, and its arguments.
  Talk talk = Talk::listen;
  Errors errors = Errors::dropped;
  AtEnd at_end = AtEnd::killed;  ///< What becomes of it when nobody holds its Running any more, or deferd ends.
  std::uint64_t reserved[2] = {};
};

/// How a program has ended.
struct CommandEnd {
  enum class How : std::uint8_t {
    exited,
    killed,
    not_executed,
    lost,  ///< The process that ran it for us has ended: nothing more is known of it.
  };
  How how = How::exited;
  int code = 0;  ///< Its exit status, the signal, or errno.
  std::uint64_t reserved[2] = {};

  bool well() const { return how == How::exited && code == 0; }
};
/// For operators: "the program ended with status 3".
std::string to_string(const CommandEnd& end);

/// A program that was started. Used by one thread at a time. May outlive the plugin that started it; not the daemon. Nothing here
/// blocks.
class Running {
 public:
  /// Closes the descriptor, and does what Command::at_end says.
  virtual ~Running() = default;

  /// Of Command::talk: to read, or to read and write. Non-blocking.
  virtual int descriptor() const = 0;

  /// Nullopt while it runs. It has ended when its first process has; what that has left behind in its process group is killed
  /// then. What it has written can still be read.
  virtual std::optional<CommandEnd> ended() = 0;

  /// SIGKILL to its process group.
  virtual void kill() = 0;
};

/// Thread-safe; never blocks.
class Commands {
 public:
  virtual ~Commands() = default;

  /// Starts it. That it cannot be executed is an error here, or shows as its end. Errors: invalid (no word, a NUL in one, more
  /// than 256, more than 8,000 bytes altogether), unavailable (it cannot be executed; too many run already; the process that runs
  /// commands is not there at the moment: try again later), io (no descriptors).
  virtual Result<std::unique_ptr<Running>> start(const Command& command) = 0;
};

}  // namespace deferd
