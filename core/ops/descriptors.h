// Descriptors: owned, handed to another process over a Unix socket, closed before a process takes on another role.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deferd/result.h"

namespace deferd {

/// Owns one, or none.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();

  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }  ///< -1: none.
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

/// Two ends of a Unix socket that keeps messages apart (SOCK_SEQPACKET); non-blocking, closed on exec. Throws ErrorException: io.
std::pair<Descriptor, Descriptor> make_socket_pair();

/// Two ends of a pipe, to read and to write; closed on exec. Throws ErrorException: io.
std::pair<Descriptor, Descriptor> make_pipe();

struct Message {
  std::string bytes;
  std::vector<Descriptor> descriptors;  ///< Closed on exec.
};

/// Sends one message, which must not be empty. Errors: busy (the other end does not read), unavailable (it is gone), io.
Result<void> send_fds(int socket, std::string_view bytes, std::span<const int> descriptors);

/// Takes one message. Errors: busy (there is none), unavailable (the other end is gone), invalid (more than `bytes` bytes or
/// `descriptors` descriptors; those that came are closed), io.
Result<Message> receive_fds(int socket, std::size_t bytes, std::size_t descriptors);

/// Closes all descriptors but standard input, output and error and those in `kept`. For a process that has just been forked: what
/// owns the others must never be used again.
void close_all_but(std::vector<int> kept);

}  // namespace deferd
