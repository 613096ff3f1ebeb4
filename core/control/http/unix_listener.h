// A listening Unix socket with an owner: a stale one is replaced, a live one is never taken.
#pragma once
#include <string>
#include <utility>

#include "base/socket_guard.h"
#include "deferd/result.h"

namespace deferd {

/// Fits into sun_path? Errors: invalid, with the limit.
Result<void> check_socket_path(const std::string& path);

/// Movable.
class UnixListener {
 public:
  /// Errors: invalid (path too long, no such group, no socket at the path), busy (another process serves it), io.
  static Result<UnixListener> open(const std::string& path, const SocketOwner& owner);

  UnixListener(UnixListener&& other) noexcept
      : guard_(std::move(other.guard_)), path_(std::move(other.path_)), socket_(std::exchange(other.socket_, -1)) {}
  UnixListener& operator=(UnixListener&&) = delete;
  ~UnixListener();

  int descriptor() const { return socket_; }
  const std::string& path() const { return path_; }

 private:
  UnixListener(SocketGuard guard, std::string path, int socket)
      : guard_(std::move(guard)), path_(std::move(path)), socket_(socket) {}

  SocketGuard guard_;
  std::string path_;
  int socket_;
};

}  // namespace deferd
