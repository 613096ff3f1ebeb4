#include "pfbridge/channel.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace deferd::pfbridge {
namespace {

constexpr std::size_t kPiece = 64 * 1024;

tl::unexpected<Error> failed(const std::string& what) { return fail(Errc::unavailable, what + ": " + std::strerror(errno)); }

}  // namespace

Channel::~Channel() {
  if (socket_ >= 0) ::close(socket_);
}

Channel::Channel(Channel&& other) noexcept
    : place_(std::move(other.place_)), socket_(std::exchange(other.socket_, -1)), started_(std::move(other.started_)) {}

Result<void> Channel::open(Commands& commands) {
  close();
  return place_.socket.empty() ? start(commands) : connect();
}

Result<void> Channel::connect() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  place_.socket.copy(address.sun_path, sizeof address.sun_path - 1);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return failed("socket");
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    auto error = failed(place_.socket);
    ::close(socket);
    return error;
  }
  socket_ = socket;
  return {};
}

Result<void> Channel::start(Commands& commands) {
  Command command;
  command.words = place_.words;
  command.talk = Command::Talk::both;
  command.errors = Command::Errors::shown;
  command.at_end = Command::AtEnd::left;
  auto started = commands.start(command);
  if (!started) return tl::unexpected(started.error());
  started_ = std::move(*started);
  return {};
}

void Channel::close() {
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  if (started_) started_->kill();
  started_.reset();
}

Error Channel::gone() const {
  if (!started_) return {Errc::unavailable, "the helper has hung up: it ended, or another deferd took its place"};
  const auto end = started_->ended();  // often not known yet
  return {Errc::unavailable, place_.words.front() + " has ended" + (end ? ": " + to_string(*end) : std::string()) +
                                 "; what it said is on standard error"};
}

Result<void> Channel::read(std::string& into) {
  char piece[kPiece];
  const auto got = ::recv(descriptor(), piece, sizeof piece, 0);
  if (got > 0) into.append(piece, static_cast<std::size_t>(got));
  if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR))) return {};
  return tl::unexpected(gone());  // reset, if it had not read all
}

Result<void> Channel::write(std::string& from) {
  while (!from.empty()) {
    const auto sent = ::send(descriptor(), from.data(), from.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return {};
    if (sent < 0) return tl::unexpected(gone());
    from.erase(0, static_cast<std::size_t>(sent));
  }
  return {};
}

}  // namespace deferd::pfbridge
