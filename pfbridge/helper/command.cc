#include "pfbridge/helper/command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

extern char** environ;

namespace deferd::bridge {
namespace {

using Steady = std::chrono::steady_clock;
constexpr std::size_t kMostOfMessage = 4096;

struct Pipe {
  int read = -1, write = -1;
  ~Pipe() {
    close_read();
    close_write();
  }
  bool open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    read = ends[0];
    write = ends[1];
    return true;
  }
  void close_read() { close(read); }
  void close_write() { close(write); }

 private:
  static void close(int& end) {
    if (end >= 0) ::close(end);
    end = -1;
  }
};

void do_not_block(int descriptor) { ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK); }

// False: nothing more will come.
bool take(int from, std::string& into, std::size_t most) {
  std::array<char, 65536> buffer;
  const ssize_t count = ::read(from, buffer.data(), buffer.size());
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  if (into.size() < most) into.append(buffer.data(), std::min(static_cast<std::size_t>(count), most - into.size()));
  return count > 0;
}

class Child {
 public:
  Child(const std::vector<std::string>& argv, std::string_view input, const CommandLimits& limits)
      : argv_(argv), rest_(input), limits_(limits), deadline_(Steady::now() + limits.time) {}

  CommandResult run() {
    if (argv_.empty()) return failed("no command");
    if (!in_.open() || !out_.open() || !err_.open()) return failed(std::string("pipe: ") + std::strerror(errno));
    if (const int error = spawn()) return failed(argv_[0] + ": " + std::strerror(error));
    in_.close_read();
    out_.close_write();
    err_.close_write();
    for (const int end : {in_.write, out_.read, err_.read}) do_not_block(end);
    if (rest_.empty()) in_.close_write();
    while (!ended()) {
      if (Steady::now() >= deadline_) return killed("took longer than " + std::to_string(limits_.time.count()) + " ms");
      if (result_.output.size() > limits_.output) return killed("printed more than " + std::to_string(limits_.output) + " bytes");
      serve();
    }
    // What it printed last is still in the pipes. Who it left behind may hold them open: nobody waits for that.
    while (take(out_.read, result_.output, limits_.output + 1) && readable(out_.read)) {
    }
    while (take(err_.read, result_.message, kMostOfMessage) && readable(err_.read)) {
    }
    judge();
    return std::move(result_);
  }

 private:
  CommandResult failed(std::string why) {
    result_.failure = std::move(why);
    return std::move(result_);
  }

  int spawn() {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_adddup2(&files, in_.read, 0);
    ::posix_spawn_file_actions_adddup2(&files, out_.write, 1);
    ::posix_spawn_file_actions_adddup2(&files, err_.write, 2);
    sigset_t signals;
    ::sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&attributes, &signals);
    ::sigaddset(&signals, SIGPIPE);
    ::posix_spawnattr_setsigdefault(&attributes, &signals);
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    std::vector<char*> words;
    for (const auto& word : argv_) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const int error = ::posix_spawnp(&pid_, words[0], &files, &attributes, words.data(), environ);
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
    return error;
  }

  bool ended() { return ::waitpid(pid_, &status_, WNOHANG) == pid_; }

  static bool readable(int descriptor) {
    pollfd one{descriptor, POLLIN, 0};
    return ::poll(&one, 1, 0) > 0;
  }

  // Waits for whatever comes first, a little at most: the child's end itself cannot be polled for.
  void serve() {
    std::array<pollfd, 3> ends{{{in_.write, POLLOUT, 0}, {out_.read, POLLIN, 0}, {err_.read, POLLIN, 0}}};
    ::poll(ends.data(), ends.size(), 10);
    if (ends[0].revents) give();
    if (ends[1].revents && !take(out_.read, result_.output, limits_.output + 1)) out_.close_read();
    if (ends[2].revents && !take(err_.read, result_.message, kMostOfMessage)) err_.close_read();
  }

  void give() {
    const ssize_t count = ::write(in_.write, rest_.data(), rest_.size());
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count < 0) refused_ = true;
    if (count > 0) rest_.remove_prefix(static_cast<std::size_t>(count));
    if (count < 0 || rest_.empty()) in_.close_write();
  }

  CommandResult killed(const std::string& why) {
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
    }
    return failed(argv_[0] + " " + why);
  }

  void judge() {
    if (WIFSIGNALED(status_)) {
      result_.failure = argv_[0] + " died of signal " + std::to_string(WTERMSIG(status_));
      return;
    }
    result_.exit_code = WEXITSTATUS(status_);
    if (result_.exit_code != 0) {
      result_.failure = argv_[0] + " ended with " + std::to_string(result_.exit_code);
      if (!result_.message.empty()) result_.failure += ": " + result_.message.substr(0, result_.message.find('\n'));
    } else if (result_.output.size() > limits_.output) {
      result_.failure = argv_[0] + " printed more than " + std::to_string(limits_.output) + " bytes";
    } else if (refused_ || !rest_.empty()) {
      result_.failure = argv_[0] + " ended before it had read its input";
    }
  }

  const std::vector<std::string>& argv_;
  std::string_view rest_;
  const CommandLimits& limits_;
  const Steady::time_point deadline_;
  Pipe in_, out_, err_;
  pid_t pid_ = -1;
  int status_ = 0;
  bool refused_ = false;
  CommandResult result_;
};

}  // namespace

CommandResult run_command(const std::vector<std::string>& argv, std::string_view input, const CommandLimits& limits) {
  return Child(argv, input, limits).run();
}

}  // namespace deferd::bridge
