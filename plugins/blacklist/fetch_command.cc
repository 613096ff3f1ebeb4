// A program's output as a list.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "source.h"

namespace deferd::blacklist {
namespace {

using std::chrono::steady_clock;
constexpr auto kLookForStop = std::chrono::milliseconds(100);  // how often it is seen whether to stop

class Spawn {
 public:
  Spawn() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  ~Spawn() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  Spawn(const Spawn&) = delete;
  Spawn& operator=(const Spawn&) = delete;

  /// In a process group of its own, with the daemon's signals unblocked. 0, or an errno.
  int run(const std::vector<std::string>& words, int output, pid_t& pid) {
    posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, output, 1);
    posix_spawn_file_actions_addopen(&actions_, 2, "/dev/null", O_WRONLY, 0);
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
    posix_spawn_file_actions_addchdir_np(&actions_, "/");
#endif
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    for (const int fixed : {SIGKILL, SIGSTOP}) sigdelset(&all, fixed);  // where setting them is an error, nothing would run
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

    std::vector<char*> argv;
    for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    char* environment[] = {path, nullptr};
    return ::posix_spawnp(&pid, argv[0], &actions_, &attributes_, argv.data(), environment);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

/// Ends with the process: nothing of it is left behind. Not reaped before that, so that its group is nobody else's.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  ~Child() {
    ::kill(-pid_, SIGKILL);  // also what it started and left
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  bool ended() {
    return end_.si_pid == pid_ ||
           (::waitid(P_PID, static_cast<id_t>(pid_), &end_, WEXITED | WNOHANG | WNOWAIT) == 0 && end_.si_pid == pid_);
  }
  std::string wrong() const {
    if (end_.si_code != CLD_EXITED) return "the program was ended by signal " + std::to_string(end_.si_status);
    return end_.si_status == 0 ? "" : "the program ended with status " + std::to_string(end_.si_status);
  }

 private:
  const pid_t pid_;
  siginfo_t end_{};
};

class Pipe {
 public:
  Pipe() : made_(::pipe2(ends_, O_CLOEXEC) == 0) {}
  ~Pipe() {
    close_writing();
    if (made_) ::close(ends_[0]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  bool made() const { return made_; }
  int reading() const { return ends_[0]; }
  int writing() const { return ends_[1]; }
  void close_writing() {
    if (made_ && ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }

 private:
  int ends_[2] = {-1, -1};
  bool made_;
};

/// One read. False at the end of the output. Errors: io.
Result<bool> read_some(int descriptor, std::string& body) {
  char piece[64 * 1024];
  const auto got = ::read(descriptor, piece, sizeof(piece));
  if (got < 0 && errno != EINTR) return fail(Errc::io, std::strerror(errno));
  if (got > 0) body.append(piece, static_cast<std::size_t>(got));
  return got != 0;
}

}  // namespace

Result<Fetched> fetch_command(const std::vector<std::string>& words, const FetchLimits& limits, const Watch& watch) {
  if (::geteuid() == 0) return fail(Errc::invalid, "programs are not run as root: let deferd change to its own user");
  const auto end = steady_clock::now() + limits.time;
  Pipe pipe;
  if (!pipe.made()) return fail(Errc::io, std::strerror(errno));
  pid_t pid = -1;
  if (const int error = Spawn().run(words, pipe.writing(), pid); error != 0)
    return fail(Errc::unavailable, words.front() + ": " + std::strerror(error));
  Child child(pid);
  pipe.close_writing();

  Fetched fetched;
  for (bool open = true; open || !child.ended();) {
    if (watch.stop) return fail(Errc::unavailable, "was stopped");
    if (steady_clock::now() >= end) return fail(Errc::unavailable, "the program did not end in time");
    pollfd output{pipe.reading(), POLLIN, 0};
    if (::poll(&output, open ? 1 : 0, static_cast<int>(open ? kLookForStop.count() : 10)) <= 0 || !open) continue;
    auto more = read_some(pipe.reading(), fetched.body);
    if (!more) return tl::unexpected(more.error());
    open = *more;
    watch.progress.bytes = fetched.body.size();
    if (fetched.body.size() > limits.bytes)
      return fail(Errc::invalid, "is larger than " + std::to_string(limits.bytes) + " bytes");
  }
  if (auto wrong = child.wrong(); !wrong.empty()) return fail(Errc::unavailable, wrong);
  return fetched;
}

}  // namespace deferd::blacklist
