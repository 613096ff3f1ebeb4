// A unix socket of our own: never taken from a live process, never left behind.
#pragma once
#include <sys/types.h>

#include <string>

#include "base/file_mode.h"
#include "deferd/result.h"

namespace deferd {

/// Who may use a socket.
struct SocketOwner {
  std::string user;   ///< Empty: whoever we run as. Only root can give a socket to another user.
  std::string group;  ///< Empty: the user's.
  FileMode mode;
};

/// Are there such a user and such a group? Errors: invalid. Not thread-safe, as getpwnam(3).
Result<void> check_owner(const SocketOwner& owner);

/// Holds the lock file `PATH.lock` for as long as it lives. Nobody can bind a path that exists, and whoever removed it without
/// looking might take it from a live process; so lock and look first, and clean up afterwards.
class SocketGuard {
 public:
  /// Takes the lock and removes what a dead process left at `path`. Errors: busy (served by another process), invalid (something
  /// that is no socket), io. The lock file stays on disk for ever: removing it would let two processes hold "the" lock.
  static Result<SocketGuard> lock(const std::string& path);

  SocketGuard(SocketGuard&& other) noexcept;
  SocketGuard& operator=(SocketGuard&&) = delete;
  ~SocketGuard();  ///< Removes the socket if it is still the one that was adopted.

  /// The socket now at the path is ours: sets owner, group and mode. Errors: invalid (no such user or group), io.
  Result<void> adopt(const SocketOwner& owner);

 private:
  SocketGuard(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::string path_;
  int lock_ = -1;
  bool adopted_ = false;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace deferd
