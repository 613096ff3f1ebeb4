#include "ops/pid_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/escape.h"
#include "deferd/result.h"

namespace deferd {
namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw ErrorException({Errc::io, "pid file " + path + ": " + why});
}

std::string first_line(int fd) {
  char text[32];
  const ssize_t length = pread(fd, text, sizeof text, 0);
  const std::string_view all(text, length > 0 ? static_cast<std::size_t>(length) : 0);
  return std::string(all.substr(0, all.find('\n')));
}

/// False if somebody removed the file: the daemon before us between our opening and locking it, for example.
bool is_still(const std::string& path, int fd) {
  struct stat opened {};
  struct stat there {};
  return fstat(fd, &opened) == 0 && stat(path.c_str(), &there) == 0 && opened.st_dev == there.st_dev &&
         opened.st_ino == there.st_ino;
}

}  // namespace

PidFile::PidFile(std::string path) : path_(std::move(path)) {
  while (true) {
    fd_ = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd_ < 0) refuse(path_, std::strerror(errno));
    if (flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      const auto holder = first_line(fd_);
      close(fd_);
      throw ErrorException(
          {Errc::busy, "already running as pid " + (holder.empty() ? "?" : escaped(holder)) + " (" + path_ + ")"});
    }
    if (is_still(path_, fd_)) break;
    close(fd_);
  }
  const auto text = std::to_string(getpid()) + "\n";
  if (ftruncate(fd_, 0) != 0 || pwrite(fd_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    const std::string why = std::strerror(errno);
    close(fd_);
    refuse(path_, why);
  }
}

PidFile::~PidFile() {
  if (!is_still(path_, fd_) || unlink(path_.c_str()) != 0) [[maybe_unused]]
    const auto emptied = ftruncate(fd_, 0);
  close(fd_);
}

}  // namespace deferd
