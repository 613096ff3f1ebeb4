#include "base/socket_guard.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace deferd {

namespace {

tl::unexpected<Error> system_error(const std::string& what, int error = errno) {
  return fail(Errc::io, what + ": " + std::strerror(error));
}

// Whether somebody listens at the path.
Result<bool> is_served(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return system_error("socket");
  const int result = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = result == 0 ? 0 : errno;
  ::close(fd);
  if (error == 0 || error == EAGAIN) return true;  // EAGAIN: a server that is behind with accepting
  if (error == ECONNREFUSED || error == ENOENT) return false;
  return system_error("cannot tell whether " + path + " is in use", error);
}

Result<void> clear_path(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return errno == ENOENT ? Result<void>() : system_error(path);
  if (!S_ISSOCK(info.st_mode)) return fail(Errc::invalid, path + " exists and is no socket; it is left alone");
  auto served = is_served(path);
  if (!served) return tl::unexpected(served.error());
  if (*served) return fail(Errc::busy, path + " is served by another process; it is left alone");
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return system_error("cannot remove the stale socket " + path);
  return {};
}

Result<uid_t> user_id(const std::string& name) {
  if (name.empty()) return static_cast<uid_t>(-1);
  const passwd* user = ::getpwnam(name.c_str());
  if (user == nullptr) return fail(Errc::invalid, "there is no user '" + name + "'");
  return user->pw_uid;
}

Result<gid_t> group_id(const std::string& name) {
  if (name.empty()) return static_cast<gid_t>(-1);
  const group* entry = ::getgrnam(name.c_str());
  if (entry == nullptr) return fail(Errc::invalid, "there is no group '" + name + "'");
  return entry->gr_gid;
}

}  // namespace

Result<void> check_owner(const SocketOwner& owner) {
  if (auto user = user_id(owner.user); !user) return tl::unexpected(user.error());
  if (auto group = group_id(owner.group); !group) return tl::unexpected(group.error());
  return {};
}

Result<SocketGuard> SocketGuard::lock(const std::string& path) {
  const std::string lock_path = path + ".lock";
  const int fd = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return system_error("cannot open the lock file " + lock_path);
  SocketGuard guard(path, fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return fail(Errc::busy, path + " belongs to another deferd that is running: it holds " + lock_path);
    return system_error("cannot lock " + lock_path);
  }
  if (auto cleared = clear_path(path); !cleared) return tl::unexpected(cleared.error());
  return guard;
}

SocketGuard::SocketGuard(SocketGuard&& other) noexcept
    : path_(std::move(other.path_)),
      lock_(std::exchange(other.lock_, -1)),
      adopted_(std::exchange(other.adopted_, false)),
      device_(other.device_),
      inode_(other.inode_) {}

SocketGuard::~SocketGuard() {
  struct stat info {};
  if (adopted_ && ::lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_) ::unlink(path_.c_str());
  if (lock_ >= 0) ::close(lock_);
}

Result<void> SocketGuard::adopt(const SocketOwner& owner) {
  struct stat info {};
  if (::lstat(path_.c_str(), &info) != 0) return system_error(path_);
  device_ = info.st_dev;
  inode_ = info.st_ino;
  adopted_ = true;
  const auto user = user_id(owner.user);
  if (!user) return tl::unexpected(user.error());
  const auto group = group_id(owner.group);
  if (!group) return tl::unexpected(group.error());
  if ((!owner.user.empty() || !owner.group.empty()) && ::lchown(path_.c_str(), *user, *group) != 0)
    return system_error("cannot give " + path_ + " to " + owner.user + ":" + owner.group);
  if (::chmod(path_.c_str(), owner.mode.bits) != 0) return system_error("cannot set the mode of " + path_);
  return {};
}

}  // namespace deferd
