// A listening Unix socket with an owner: a stale one is replaced, a live one is never taken.
#pragma once
#include <sys/types.h>

#include <string>

#include "deferd/result.h"

namespace deferd {

struct UnixListenerOptions {
  std::string path;
  mode_t mode = 0660;
  std::string group;  ///< Name of the group that may use it; empty: the process's own.
};

/// Fits into sun_path? Errors: invalid, with the limit.
Result<void> check_socket_path(const std::string& path);

/// Movable. Holds `path`.lock (flock) as long as it lives; the lock's file stays behind, the socket does not.
class UnixListener {
 public:
  /// Errors: invalid (path too long, no such group), conflict (another process serves it, or it is no socket), io.
  static Result<UnixListener> open(const UnixListenerOptions& options);

  UnixListener(UnixListener&& other) noexcept;
  UnixListener& operator=(UnixListener&& other) noexcept;
  ~UnixListener();

  int descriptor() const { return socket_; }
  const std::string& path() const { return path_; }

 private:
  UnixListener() = default;
  void close();

  std::string path_;  // empty: nothing to remove
  int lock_ = -1;
  int socket_ = -1;
};

}  // namespace deferd
