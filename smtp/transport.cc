#include "smtp/transport.h"

#include <sys/socket.h>

#include <cerrno>

namespace deferd::smtp {

namespace {

#if defined(__linux__)
constexpr int kMore = MSG_MORE;  // the end follows
#else
constexpr int kMore = 0;
#endif

}  // namespace

Moved PlainTransport::read(std::span<char> into) {
  for (;;) {
    const auto got = ::recv(descriptor_, into.data(), into.size(), MSG_DONTWAIT);
    if (got > 0) return {Moved::State::ok, static_cast<std::size_t>(got)};
    if (got == 0) return {Moved::State::closed};
    if (errno == EINTR) continue;
    return {errno == EAGAIN || errno == EWOULDBLOCK ? Moved::State::wait_read : Moved::State::failed};
  }
}

Moved PlainTransport::write(std::string_view bytes) { return send(bytes, 0); }
Moved PlainTransport::write_last(std::string_view bytes) { return send(bytes, kMore); }

Moved PlainTransport::send(std::string_view bytes, int flags) {
  for (;;) {
    const auto sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL | flags);
    if (sent >= 0) return {Moved::State::ok, static_cast<std::size_t>(sent)};
    if (errno == EINTR) continue;
    return {errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? Moved::State::wait_write : Moved::State::failed};
  }
}

}  // namespace deferd::smtp
