#include "ops/spawn.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <string_view>

// Where posix_spawn(3) can also close what is left open, and change the folder.
#if defined(__FreeBSD__)
#define DEFERD_SPAWN_KNOWS_MORE
#elif defined(__GLIBC__)
#if __GLIBC_PREREQ(2, 34)
#define DEFERD_SPAWN_KNOWS_MORE
#endif
#endif

namespace deferd {
namespace {

constexpr std::string_view kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The file of a program, looked for in the PATH that it gets, not in ours; empty if there is none.
std::string file_of(const std::string& program) {
  if (program.find('/') != std::string::npos) return program;
  for (std::size_t at = 0; at < kPath.size();) {
    const auto end = std::min(kPath.find(':', at), kPath.size());
    auto file = std::string(kPath.substr(at, end - at)) + "/" + program;
    if (::access(file.c_str(), X_OK) == 0) return file;
    at = end + 1;
  }
  return {};
}

/// What posix_spawn(3) is told.
class SpawnOrders {
 public:
  SpawnOrders() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  ~SpawnOrders() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnOrders(const SpawnOrders&) = delete;
  SpawnOrders& operator=(const SpawnOrders&) = delete;

  void connect(const Command& command, int its_end) {
    if (command.talk == Command::Talk::both)
      posix_spawn_file_actions_adddup2(&actions_, its_end, STDIN_FILENO);
    else
      posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, its_end, STDOUT_FILENO);
    if (command.errors == Command::Errors::dropped)
      posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
#if defined(DEFERD_SPAWN_KNOWS_MORE)
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);  // elsewhere all are closed on exec
    posix_spawn_file_actions_addchdir_np(&actions_, "/");
#endif
  }

  void make_leader_with_usual_signals() {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    for (const int fixed : {SIGKILL, SIGSTOP}) sigdelset(&all, fixed);  // where setting them is an error, nothing would run
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }

  /// 0, or an errno.
  int run(const std::vector<std::string>& words, pid_t& pid) const {
    std::vector<char*> argv;
    for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    const auto file = file_of(words.front());
    if (file.empty()) return ENOENT;
    auto path = "PATH=" + std::string(kPath);
    char* environment[] = {path.data(), nullptr};
    return ::posix_spawn(&pid, file.c_str(), &actions_, &attributes_, argv.data(), environment);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

}  // namespace

Result<void> check_command(const Command& command) {
  if (command.words.empty() || command.words.front().empty()) return fail(Errc::invalid, "the name of a program is missing");
  if (command.words.size() > kMostCommandWords) return fail(Errc::invalid, "a command has at most 256 words");
  std::size_t bytes = 0;
  for (const auto& word : command.words) {
    if (word.find('\0') != std::string::npos) return fail(Errc::invalid, "a NUL ends every word of a command");
    bytes += word.size() + 1;
  }
  if (bytes > kMostCommandBytes) return fail(Errc::invalid, "a command has at most 8,000 bytes");
  return {};
}

Result<std::pair<Descriptor, Descriptor>> connect_command(Command::Talk talk) {
  int ends[2];
  const int failed =
      talk == Command::Talk::both ? ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) : ::pipe2(ends, O_CLOEXEC);
  if (failed != 0) return fail(Errc::io, std::string("cannot connect a program: ") + std::strerror(errno));
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  // So that another user's program can open /dev/stdout: who has no descriptor of it does not get at it.
  if (talk == Command::Talk::listen) ::fchmod(ends[1], 0666);
  return std::pair(Descriptor(ends[0]), Descriptor(ends[1]));
}

tl::expected<pid_t, int> spawn(const Command& command, int its_end) {
  SpawnOrders orders;
  orders.connect(command, its_end);
  orders.make_leader_with_usual_signals();
  pid_t pid = -1;
  if (const int error = orders.run(command.words, pid); error != 0) return tl::unexpected(error);
  return pid;
}

std::optional<CommandEnd> take_end(pid_t pid) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != pid) return std::nullopt;
  ::kill(-pid, SIGKILL);  // as long as it is not reaped the group is nobody else's
  ::waitpid(pid, nullptr, 0);
  return CommandEnd{info.si_code == CLD_EXITED ? CommandEnd::How::exited : CommandEnd::How::killed, info.si_status};
}

}  // namespace deferd
