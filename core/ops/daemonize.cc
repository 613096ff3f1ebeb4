#include "ops/daemonize.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#include "deferd/result.h"

namespace deferd {
namespace {

[[noreturn]] void refuse(const char* what) {
  throw ErrorException({Errc::io, std::string("cannot go into the background: ") + what + ": " + std::strerror(errno)});
}

/// In the process that was started: how did the new one do?
[[noreturn]] void wait_until_ready(int fd, pid_t child) {
  char byte = 0;
  ssize_t got = 0;
  do got = read(fd, &byte, 1);
  while (got < 0 && errno == EINTR);
  if (got == 1) _exit(EX_OK);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0) _exit(WEXITSTATUS(status));
  if (WIFSIGNALED(status)) std::fprintf(stderr, "deferd: killed by signal %d before it was ready\n", WTERMSIG(status));
  _exit(EX_SOFTWARE);
}

}  // namespace

void open_standard_streams() {
  int null = -1;
  do null = open("/dev/null", O_RDWR);
  while (null >= 0 && null <= STDERR_FILENO);
  if (null >= 0) close(null);
}

void detach_from_terminal() {
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return;
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, fd);
  if (null > STDERR_FILENO) close(null);
}

Background Background::enter() {
  int ends[2];
  if (pipe(ends) != 0) refuse("pipe");
  for (const int end : ends) fcntl(end, F_SETFD, FD_CLOEXEC);
  std::fflush(nullptr);  // else both would write what is still buffered
  const pid_t child = fork();
  if (child < 0) refuse("fork");
  if (child > 0) {
    close(ends[1]);
    wait_until_ready(ends[0], child);
  }
  close(ends[0]);
  if (setsid() < 0) refuse("setsid");
  return Background(ends[1]);
}

void Background::ready() {
  detach_from_terminal();
  const char byte = 0;
  [[maybe_unused]] const auto written = write(fd_, &byte, 1);
  close(std::exchange(fd_, -1));
}

Background::Background(Background&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Background::~Background() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace deferd
