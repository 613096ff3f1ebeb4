// The pid file: tells others our process id, and keeps a second daemon from starting.
#pragma once
#include <string>

namespace deferd {

/// What counts is the lock on the file (flock(2)), not that it exists: one left behind by a crash is taken over. Made in the
/// process that will be the daemon; the lock is that process's until it ends.
class PidFile {
 public:
  /// Throws ErrorException: busy ("already running as pid 17"), io.
  explicit PidFile(std::string path);
  /// Removes the file; empties it if we no longer may.
  ~PidFile();
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

 private:
  std::string path_;
  int fd_ = -1;
};

}  // namespace deferd
