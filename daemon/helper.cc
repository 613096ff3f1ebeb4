#include "daemon/helper.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "ops/process.h"
#include "ops/safe_path.h"

namespace deferd {
namespace {

constexpr std::size_t kLongestLine = 512;
constexpr int kReadsATurn = 16;  // so that a helper that never ends talking is not all we hear
constexpr int kNotExecuted = 127;

std::vector<std::string> helper_directories() {
  std::vector<std::string> directories;
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) directories.push_back(program.parent_path().string());
  directories.emplace_back(DEFERD_SBIN_DIR);
  directories.emplace_back(DEFERD_LIBEXEC_DIR);
  return directories;
}

/// In the child.
[[noreturn]] void execute(const std::string& program, char* const* words, int input, int output, pid_t parent) {
  setpgid(0, 0);
  reset_signals();
  // Neither is one of the three: those are open in whoever starts deferd.
  dup2(input, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  close_all_but({});
  if (chdir("/") != 0 || !end_with(parent)) _exit(kNotExecuted);
  char path[] = "PATH=/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin", locale[] = "LC_ALL=C";
  char* const environment[] = {path, locale, nullptr};
  execve(program.c_str(), words, environment);
  dprintf(STDERR_FILENO, "%s cannot be executed: %s\n", program.c_str(), std::strerror(errno));
  _exit(kNotExecuted);
}

}  // namespace

Result<std::string> find_helper(const std::string& name) { return find_helper(name, helper_directories()); }

Result<std::string> find_helper(const std::string& name, const std::vector<std::string>& directories) {
  std::string found, searched;
  if (name.find('/') != std::string::npos) {
    found = name;
  } else {
    for (const auto& directory : directories) {
      const auto path = directory + "/" + name;
      if (access(path.c_str(), X_OK) == 0) {
        found = path;
        break;
      }
      searched += (searched.empty() ? "" : ", ") + directory;
    }
    if (found.empty()) return fail(Errc::not_found, "there is no program '" + name + "' in " + searched);
  }
  if (auto safe = check_safe(found); !safe) return tl::unexpected(safe.error());
  return found;
}

HelperRun::HelperRun(const std::string& program, const std::vector<std::string>& command) {
  auto life = make_pipe();
  auto output = make_pipe();
  std::vector<char*> words;
  for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const pid_t parent = getpid();
  std::fflush(nullptr);  // else both would write what is still buffered
  pid_ = fork();
  if (pid_ < 0) throw ErrorException({Errc::io, std::string("cannot start a process: ") + std::strerror(errno)});
  if (pid_ == 0) execute(program, words.data(), life.first.get(), output.second.get(), parent);
  setpgid(pid_, pid_);
  life_ = std::move(life.second);
  output_ = std::move(output.first);
  fcntl(output_.get(), F_SETFL, O_NONBLOCK);
}

void HelperRun::read(const std::function<void(std::string_view line)>& take) {
  char bytes[4096];
  for (int turn = 0; turn < kReadsATurn && output_; ++turn) {
    const ssize_t got = ::read(output_.get(), bytes, sizeof bytes);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
      output_ = {};
      if (!unfinished_.empty()) take(std::exchange(unfinished_, {}));
      return;
    }
    for (const char c : std::string_view(bytes, static_cast<std::size_t>(got))) {
      if (c == '\n')
        take(std::exchange(unfinished_, {}));
      else if (unfinished_.size() < kLongestLine)
        unfinished_ += c;
    }
  }
}

}  // namespace deferd
