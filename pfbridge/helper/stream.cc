#include "pfbridge/helper/stream.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace deferd::bridge {
namespace {

void do_not_block(int descriptor) { ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK); }

std::string system_error(const std::string& what) { return what + ": " + std::strerror(errno); }

int unix_socket() {
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  if (socket >= 0) ::fcntl(socket, F_SETFD, FD_CLOEXEC);
  return socket;
}

/// In a folder of somebody else's root acts as that one while this lives: he could put links where root makes and gives away a
/// socket.
class AsFolderOwner {
 public:
  explicit AsFolderOwner(const std::string& path) {
    const auto slash = path.rfind('/');
    struct stat folder {};
    const auto name = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    if (::geteuid() != 0 || ::stat(name.c_str(), &folder) != 0 || folder.st_uid == 0) return;
    acting_ = true;
    failed_ = ::seteuid(folder.st_uid) != 0;
  }
  ~AsFolderOwner() {
    if (acting_ && ::seteuid(0) != 0) std::abort();  // half of each would be worse
  }
  AsFolderOwner(const AsFolderOwner&) = delete;
  AsFolderOwner& operator=(const AsFolderOwner&) = delete;

  bool failed() const { return failed_; }

 private:
  bool acting_ = false, failed_ = false;
};

bool somebody_listens(const sockaddr_un& address) {
  const int probe = unix_socket();
  const bool connected = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(probe);
  return connected;
}

}  // namespace

Stream::Stream() : input_(STDIN_FILENO), output_(STDOUT_FILENO) {
  do_not_block(input_);
  do_not_block(output_);
}

Stream::Stream(const std::string& path, const std::string& owner, std::string& error) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    error = path + ": too long for a socket's path";
    return;
  }
  path.copy(address.sun_path, path.size());
  uid_t user = ::getuid();
  if (!owner.empty()) {
    const passwd* entry = ::getpwnam(owner.c_str());
    if (!entry) {
      error = "no user " + owner;
      return;
    }
    user = entry->pw_uid;
  }
  if (somebody_listens(address)) {
    error = path + ": another helper listens there";
    return;
  }
  const AsFolderOwner theirs(path);
  if (theirs.failed()) {
    error = system_error(path + ": cannot act as the owner of its folder");
    return;
  }
  ::unlink(path.c_str());
  listener_ = unix_socket();
  const mode_t before = ::umask(0177);
  const bool bound = listener_ >= 0 && ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::umask(before);
  if (!bound || ::lchown(path.c_str(), user, static_cast<gid_t>(-1)) != 0 || ::listen(listener_, 4) != 0) {
    error = system_error(path) + (errno == ENOENT ? "; create its folder" : "");
    return;
  }
  do_not_block(listener_);
  path_ = path;
}

Stream::~Stream() {
  hang_up();
  if (listener_ >= 0) ::close(listener_);
  if (!path_.empty()) ::unlink(path_.c_str());
}

void Stream::hang_up() {
  if (input_ > STDERR_FILENO) ::close(input_);
  input_ = output_ = -1;
  ended_ = false;
}

Stream::Event Stream::accept() {
  const int socket = ::accept(listener_, nullptr, nullptr);
  if (socket < 0) return Event::nothing;
  ::fcntl(socket, F_SETFD, FD_CLOEXEC);
  do_not_block(socket);
  hang_up();
  input_ = output_ = socket;
  return Event::connected;
}

// False: nobody takes it any more.
bool Stream::send(std::string& output) {
  const ssize_t sent = ::write(output_, output.data(), output.size());
  if (sent > 0) output.erase(0, static_cast<std::size_t>(sent));
  return sent >= 0 || errno == EAGAIN || errno == EINTR;
}

// Whether something came.
bool Stream::receive(std::string& input) {
  std::array<char, 65536> buffer;
  const ssize_t count = ::read(input_, buffer.data(), buffer.size());
  if (count > 0) input.assign(buffer.data(), static_cast<std::size_t>(count));
  ended_ = count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR);
  return count > 0;
}

Stream::Event Stream::wait(std::string& output, std::string& input, int milliseconds, std::span<const int> others) {
  if (ended_ && output.empty()) {
    hang_up();
    return Event::ended;
  }
  // Nobody's events are asked for by a negative descriptor.
  std::vector<pollfd> wanted{
      {listener_, POLLIN, 0}, {ended_ ? -1 : input_, POLLIN, 0}, {output.empty() ? -1 : output_, POLLOUT, 0}};
  for (const int other : others) wanted.push_back({other, POLLIN, 0});
  if (::poll(wanted.data(), static_cast<nfds_t>(wanted.size()), milliseconds) <= 0) return Event::nothing;
  if (wanted[0].revents) return accept();
  if (wanted[2].revents && !send(output)) {
    hang_up();
    return Event::ended;
  }
  return wanted[1].revents && receive(input) ? Event::bytes : Event::nothing;
}

}  // namespace deferd::bridge
