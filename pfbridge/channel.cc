#include "pfbridge/channel.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

namespace deferd::pfbridge {
namespace {

constexpr auto kPatience = std::chrono::seconds(5);  // with a program that was killed
constexpr auto kLook = std::chrono::milliseconds(5);
constexpr std::size_t kPiece = 64 * 1024;

tl::unexpected<Error> failed(const std::string& what) { return fail(Errc::unavailable, what + ": " + std::strerror(errno)); }

bool has_ended(pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) != 0; }

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

  /// With `socket` as standard input and output, our standard error, in a process group of its own. 0, or an errno.
  int run(const std::vector<std::string>& words, int socket, pid_t& pid) {
    posix_spawn_file_actions_adddup2(&actions_, socket, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, socket, STDOUT_FILENO);
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
#endif
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    for (const int fixed : {SIGKILL, SIGSTOP}) sigdelset(&all, fixed);
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

}  // namespace

Channel::~Channel() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (pid_ >= 0) has_ended(pid_);
  const auto until = std::chrono::steady_clock::now() + kPatience;
  for (reap(); !ending_.empty() && std::chrono::steady_clock::now() < until; reap()) {
    if (std::none_of(ending_.begin(), ending_.end(), [](pid_t pid) { return ::kill(pid, 0) == 0; })) return;  // another user's
    std::this_thread::sleep_for(kLook);  // nothing tells of its end but asking
  }
}

Channel::Channel(Channel&& other) noexcept
    : place_(std::move(other.place_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      pid_(std::exchange(other.pid_, -1)),
      ending_(std::move(other.ending_)) {}

Result<void> Channel::open() {
  close();
  return place_.socket.empty() ? start() : connect();
}

Result<void> Channel::connect() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  place_.socket.copy(address.sun_path, sizeof address.sun_path - 1);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return failed("socket");
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    auto error = failed(place_.socket);
    ::close(socket);
    return error;
  }
  descriptor_ = socket;
  return {};
}

Result<void> Channel::start() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return failed("socketpair");
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  const int error = Spawn().run(place_.words, ends[1], pid_);
  ::close(ends[1]);
  if (error != 0) {
    ::close(ends[0]);
    pid_ = -1;
    return fail(Errc::unavailable, place_.words.front() + ": " + std::strerror(error));
  }
  descriptor_ = ends[0];
  return {};
}

void Channel::close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  if (pid_ < 0) return;
  ::kill(-pid_, SIGKILL);  // and what it has started: it leads a group
  ending_.push_back(std::exchange(pid_, -1));
  reap();
}

void Channel::reap() { std::erase_if(ending_, has_ended); }

Error Channel::gone() const {
  if (pid_ >= 0) return {Errc::unavailable, place_.words.front() + " has ended; what it said is on standard error"};
  return {Errc::unavailable, "the helper has hung up: it ended, or another deferd took its place"};
}

Result<void> Channel::read(std::string& into) {
  char piece[kPiece];
  const auto got = ::recv(descriptor_, piece, sizeof piece, 0);
  if (got > 0) into.append(piece, static_cast<std::size_t>(got));
  if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR))) return {};
  return tl::unexpected(gone());  // reset, if it had not read all
}

Result<void> Channel::write(std::string& from) {
  while (!from.empty()) {
    const auto sent = ::send(descriptor_, from.data(), from.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return {};
    if (sent < 0) return tl::unexpected(gone());
    from.erase(0, static_cast<std::size_t>(sent));
  }
  return {};
}

}  // namespace deferd::pfbridge
