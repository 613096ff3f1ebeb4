#include "daemon/monitor_link.h"

#include <array>
#include <cerrno>
#include <cstring>

namespace deferd {
namespace {

constexpr int kPatience = 10'000;  // milliseconds

Descriptor refused(int error) {
  errno = error;
  return {};
}

/// The one byte of the next message.
Result<std::optional<char>> next_byte(int socket) {
  const auto message = receive_fds(socket, 1, 0);
  if (message) return message->bytes[0];
  if (message.error().code == Errc::busy) return std::nullopt;
  return tl::unexpected(message.error());
}

}  // namespace

std::pair<LinkEnd, LinkEnd> make_link() {
  auto life = make_socket_pair();
  auto files = make_socket_pair();
  auto channels = make_socket_pair();
  return {LinkEnd{std::move(life.first), std::move(files.first), std::move(channels.first)},
          LinkEnd{std::move(life.second), std::move(files.second), std::move(channels.second)}};
}

MonitorLink::MonitorLink(LinkEnd end, std::optional<std::chrono::microseconds> watchdog)
    : watchdog_(watchdog), end_(std::move(end)) {}

void MonitorLink::tell(Notice notice) {
  const char byte = static_cast<char>(notice);
  static_cast<void>(send_fds(end_.life.get(), {&byte, 1}, {}));
}

Descriptor MonitorLink::open(smtp::TlsFile which) {
  const std::lock_guard lock(asking_);
  const char byte = static_cast<char>(which);
  if (!end_.files || !send_fds(end_.files.get(), {&byte, 1}, {})) return refused(EPIPE);
  pollfd waiting{end_.files.get(), POLLIN, 0};
  int error = 0;
  if (::poll(&waiting, 1, kPatience) == 1) {
    auto answer = receive_fds(end_.files.get(), sizeof error, 1);
    if (answer && answer->bytes.size() == sizeof error) {
      std::memcpy(&error, answer->bytes.data(), sizeof error);
      if (error != 0) return refused(error);
      if (answer->descriptors.size() == 1) return std::move(answer->descriptors.front());
    }
  }
  end_.files = {};  // an answer that came late would be taken for that to the next question
  return refused(ETIMEDOUT);
}

Descriptor MonitorLink::next_channel() {
  Descriptor latest;
  while (auto message = receive_fds(end_.channels.get(), 1, 1))
    if (!message->descriptors.empty()) latest = std::move(message->descriptors.front());
  return latest;
}

Result<std::optional<Notice>> WorkerLink::notice() {
  const auto byte = next_byte(end_.life.get());
  if (!byte) return tl::unexpected(byte.error());
  if (!*byte) return std::nullopt;
  for (const auto known : {Notice::ready, Notice::reloading, Notice::reloaded, Notice::stopping, Notice::alive})
    if (**byte == static_cast<char>(known)) return known;
  return fail(Errc::invalid, "an unknown notice");
}

Result<std::optional<smtp::TlsFile>> WorkerLink::question() {
  const auto byte = next_byte(end_.files.get());
  if (byte && !*byte) return std::nullopt;
  for (const auto known : {smtp::TlsFile::certificate, smtp::TlsFile::key, smtp::TlsFile::client_ca})
    if (byte && **byte == static_cast<char>(known)) return known;
  end_.files = {};
  return byte ? fail(Errc::invalid, "an unknown question") : tl::unexpected(byte.error());
}

void WorkerLink::answer(const Descriptor& file, int error) {
  const int said = file ? 0 : error;
  std::array<char, sizeof said> bytes;
  std::memcpy(bytes.data(), &said, sizeof said);
  const int fd = file.get();
  static_cast<void>(send_fds(end_.files.get(), {bytes.data(), bytes.size()}, {&fd, file ? 1u : 0u}));
}

Result<void> WorkerLink::lend_channel(const Descriptor& channel) {
  const int fd = channel.get();
  return send_fds(end_.channels.get(), "c", {&fd, 1});
}

}  // namespace deferd
