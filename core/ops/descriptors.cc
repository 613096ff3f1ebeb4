#include "ops/descriptors.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

namespace deferd {
namespace {

constexpr std::size_t kMostDescriptors = 8;

tl::unexpected<Error> refused(const char* what) {
  if (errno == EAGAIN || errno == EWOULDBLOCK) return fail(Errc::busy, std::string(what) + ": not now");
  const bool gone = errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN || errno == ECONNREFUSED;
  return fail(gone ? Errc::unavailable : Errc::io, std::string(what) + ": " + std::strerror(errno));
}

/// For the control message with the descriptors.
struct ControlRoom {
  alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof(int) * kMostDescriptors)];
};

void close_span(int first, int last) {
  if (first > last) return;
#ifdef CLOSE_RANGE_CLOEXEC  // Linux, FreeBSD
  if (close_range(static_cast<unsigned>(first), static_cast<unsigned>(last), 0) == 0) return;
#endif
  const long limit = sysconf(_SC_OPEN_MAX);
  for (int fd = first; fd <= last && (limit < 0 || fd < limit); ++fd) close(fd);
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this == &other) return *this;
  if (fd_ >= 0) close(fd_);
  fd_ = other.release();
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

std::pair<Descriptor, Descriptor> make_socket_pair() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    throw ErrorException({Errc::io, std::string("cannot make a pair of sockets: ") + std::strerror(errno)});
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

std::pair<Descriptor, Descriptor> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw ErrorException({Errc::io, std::string("cannot make a pipe: ") + std::strerror(errno)});
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

Result<void> send_fds(int socket, std::string_view bytes, std::span<const int> descriptors) {
  if (bytes.empty() || descriptors.size() > kMostDescriptors) return fail(Errc::invalid, "no such message can be sent");
  iovec text{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &text;
  message.msg_iovlen = 1;
  ControlRoom room{};
  if (!descriptors.empty()) {
    message.msg_control = room.bytes;
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  ssize_t sent = 0;
  do sent = sendmsg(socket, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent < 0) return refused("cannot send a message");
  return {};
}

Result<Message> receive_fds(int socket, std::size_t bytes, std::size_t descriptors) {
  Message received;
  received.bytes.resize(bytes + 1);  // one more shows that there was more
  iovec text{received.bytes.data(), received.bytes.size()};
  ControlRoom room{};
  msghdr message{};
  message.msg_iov = &text;
  message.msg_iovlen = 1;
  message.msg_control = room.bytes;
  message.msg_controllen = sizeof room.bytes;
  ssize_t got = 0;
  do got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got < 0) return refused("cannot receive a message");
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      received.descriptors.emplace_back(fd);
    }
  }
  if (got == 0) return fail(Errc::unavailable, "the other end is closed");
  received.bytes.resize(static_cast<std::size_t>(got));
  if (received.bytes.size() > bytes || received.descriptors.size() > descriptors || (message.msg_flags & MSG_CTRUNC) != 0)
    return fail(Errc::invalid, "an unexpected message");
  return received;
}

void close_all_but(std::vector<int> kept) {
  std::sort(kept.begin(), kept.end());
  int next = STDERR_FILENO + 1;
  for (const int fd : kept) {
    if (fd < next) continue;
    close_span(next, fd - 1);
    next = fd + 1;
  }
  close_span(next, INT_MAX);
}

}  // namespace deferd
