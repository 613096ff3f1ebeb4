// Runs a program, gives it its input, takes its output: within a time, bounded, without a shell.
#pragma once
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace deferd::bridge {

struct CommandLimits {
  std::chrono::milliseconds time{30'000};  ///< Then it is killed, with all it started in its process group.
  std::size_t output = 64 * 1024 * 1024;   ///< More than this of standard output ends it too.
};

struct CommandResult {
  std::string output;   ///< Standard output.
  std::string message;  ///< Standard error's beginning, 4 KiB at most: for people only.
  std::string failure;  ///< Empty: it took all its input or needed no more, ended by itself, and with 0. Else what happened.
  int exit_code = -1;   ///< -1: it did not exit.

  bool ok() const { return failure.empty(); }
};

/// `argv[0]` is searched in PATH. The program inherits the environment, and descriptors that are not close-on-exec. The
/// caller has SIGPIPE ignored; the program has it not.
CommandResult run_command(const std::vector<std::string>& argv, std::string_view input, const CommandLimits& limits = {});

}  // namespace deferd::bridge
