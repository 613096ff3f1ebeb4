// A helper: a program that the monitor runs as root beside the worker, such as deferd-helper(8).
#pragma once
#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ops/descriptors.h"

namespace deferd {

/// The program that the first word of a command line names: a path from the root on, or a name that is looked for beside deferd
/// itself and then where helpers are installed, never in $PATH. It must be safe from everybody but root (check_safe()), who is to
/// run it. Errors: not_found, invalid, io.
Result<std::string> find_helper(const std::string& name);
/// The same, looked for in `directories`.
Result<std::string> find_helper(const std::string& name, const std::vector<std::string>& directories);

/// One run of a program. It has nothing of ours but its standard input, which ends with us and on which nothing is ever said, and
/// standard output and error, whose lines we read; a clean environment; a process group of its own, so that a terminal's signals
/// reach it only through us; and it gets SIGTERM when we end, where the system can do that.
class HelperRun {
 public:
  /// Starts it. In a process without threads. Throws ErrorException: io (no process, no descriptors). That a program cannot be
  /// executed shows as its end with 127, and as a line.
  HelperRun(const std::string& program, const std::vector<std::string>& command);

  pid_t pid() const { return pid_; }
  int output() const { return output_.get(); }  ///< Ready when there is something to read, or when it has ended; -1: at its end.

  /// Gives whole lines of what it said, without their ends and of at most 512 bytes. Does not wait.
  void read(const std::function<void(std::string_view line)>& take);

 private:
  Descriptor life_;  // the other end of its standard input
  Descriptor output_;
  std::string unfinished_;
  pid_t pid_ = -1;
};

}  // namespace deferd
