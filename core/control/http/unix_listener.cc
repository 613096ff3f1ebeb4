#include "http/unix_listener.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace deferd {
namespace {

tl::unexpected<Error> system_error(const std::string& path, const char* what) {
  return fail(Errc::io, path + ": " + what + ": " + std::strerror(errno));
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

bool somebody_answers(const sockaddr_un& address) {
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return true;
  const bool refused =
      ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 && errno == ECONNREFUSED;
  ::close(probe);
  return !refused;
}

/// Leaves `path` free to bind, or says why not.
Result<void> remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return system_error(path, "cannot look at it");
  }
  if (!S_ISSOCK(status.st_mode)) return fail(Errc::conflict, path + ": exists and is no socket; it is left as it is");
  if (somebody_answers(address)) return fail(Errc::conflict, path + ": another process serves this socket");
  if (::unlink(path.c_str()) != 0) return system_error(path, "cannot remove the stale socket");
  return {};
}

Result<gid_t> group_id(const std::string& name) {
  std::array<char, 16384> buffer{};
  group entry{};
  group* found = nullptr;
  if (::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return fail(Errc::invalid, "there is no group '" + name + "'");
  return found->gr_gid;
}

/// Between bind() and listen() nobody can connect, so the order leaves no gap.
Result<void> set_owner(const UnixListenerOptions& options) {
  if (!options.group.empty()) {
    auto group = group_id(options.group);
    if (!group) return tl::unexpected(group.error());
    if (::chown(options.path.c_str(), static_cast<uid_t>(-1), *group) != 0)
      return system_error(options.path, "cannot give it to the group");
  }
  if (::chmod(options.path.c_str(), options.mode) != 0) return system_error(options.path, "cannot set its mode");
  return {};
}

}  // namespace

Result<void> check_socket_path(const std::string& path) {
  constexpr std::size_t kLimit = sizeof(sockaddr_un::sun_path) - 1;
  if (path.empty() || path.find('\0') != std::string::npos) return fail(Errc::invalid, "the path of a socket is missing");
  if (path.size() > kLimit)
    return fail(Errc::invalid, path + ": a socket's path can have " + std::to_string(kLimit) + " bytes, this one has " +
                                   std::to_string(path.size()));
  return {};
}

Result<UnixListener> UnixListener::open(const UnixListenerOptions& options) {
  if (auto fits = check_socket_path(options.path); !fits) return tl::unexpected(fits.error());
  const std::string lock_path = options.path + ".lock";
  UnixListener listener;
  listener.lock_ = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (listener.lock_ < 0) return system_error(lock_path, "cannot open it");
  if (::flock(listener.lock_, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return fail(Errc::conflict, options.path + ": another process serves this socket");
    return system_error(lock_path, "cannot lock it");
  }

  const sockaddr_un address = address_of(options.path);
  if (auto free = remove_stale(options.path, address); !free) return tl::unexpected(free.error());
  listener.socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener.socket_ < 0) return system_error(options.path, "cannot make a socket");
  if (::bind(listener.socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return system_error(options.path, "cannot bind it");
  listener.path_ = options.path;
  if (auto owned = set_owner(options); !owned) return tl::unexpected(owned.error());
  if (::listen(listener.socket_, 64) != 0) return system_error(options.path, "cannot listen on it");
  return listener;
}

UnixListener::UnixListener(UnixListener&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::exchange(other.lock_, -1)), socket_(std::exchange(other.socket_, -1)) {}

UnixListener& UnixListener::operator=(UnixListener&& other) noexcept {
  if (this != &other) {
    close();
    path_ = std::exchange(other.path_, {});
    lock_ = std::exchange(other.lock_, -1);
    socket_ = std::exchange(other.socket_, -1);
  }
  return *this;
}

UnixListener::~UnixListener() { close(); }

void UnixListener::close() {
  // The socket goes while the lock is still held: a successor's is never removed.
  if (!path_.empty()) ::unlink(path_.c_str());
  if (socket_ >= 0) ::close(socket_);
  if (lock_ >= 0) ::close(lock_);
  path_.clear();
  socket_ = lock_ = -1;
}

}  // namespace deferd
