#include "smtp_load_connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>

namespace deferd::bench {

namespace {

constexpr std::uint64_t kNetworks = 32'000;  // 127.1.0.0/24 and what follows
constexpr std::uint64_t kHosts = 250;

}  // namespace

std::uint32_t loopback_source(std::uint64_t n) {
  const auto network = n % kNetworks, host = n / kNetworks % kHosts + 1;
  return htonl(static_cast<std::uint32_t>(0x7F010000u + (network << 8) + host));
}

bool SmtpLoadConnection::begin(std::uint16_t port, std::uint64_t n, bool talks) {
  close();
  stage_ = Stage::banner;
  talks_ = talks;
  deferred_ = false;
  number_ = n;
  bytes_ = 0;
  line_.clear();
  begun_ = Steady::now();
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return false;
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(socket_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  // Without TIME_WAIT on this side a long run does not run out of ports.
  const linger at_once{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  sockaddr_in own{}, server{};
  own.sin_family = server.sin_family = AF_INET;
  own.sin_addr.s_addr = loopback_source(n);
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  server.sin_port = htons(port);
  if (::bind(socket_, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0 ||
      (::connect(socket_, reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0 && errno != EINPROGRESS)) {
    close();
    return false;
  }
  return true;
}

void SmtpLoadConnection::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

SmtpLoadConnection::Outcome SmtpLoadConnection::readable() {
  char piece[2048];
  const auto got = ::recv(socket_, piece, sizeof piece, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Outcome::waiting;
  Outcome outcome = Outcome::waiting;
  if (got <= 0) {
    outcome = stage_ == Stage::quit && deferred_ ? Outcome::done : Outcome::failed;
  } else {
    if (bytes_ == 0) first_byte_ = Steady::now();
    bytes_ += static_cast<std::uint64_t>(got);
    for (const char c : std::string_view(piece, static_cast<std::size_t>(got))) {
      if (c != '\n') {
        line_ += c;
        continue;
      }
      const bool last = line_.size() < 4 || line_[3] != '-';
      const int code =
          line_.size() >= 3 && std::isdigit(static_cast<unsigned char>(line_[0])) ? std::stoi(line_.substr(0, 3)) : 0;
      line_.clear();
      if (last && (outcome = replied(code)) != Outcome::waiting) break;
    }
  }
  if (outcome != Outcome::waiting) close();
  return outcome;
}

bool SmtpLoadConnection::say(Stage stage, std::string_view line) {
  stage_ = stage;
  return ::send(socket_, line.data(), line.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(line.size());
}

SmtpLoadConnection::Outcome SmtpLoadConnection::replied(int code) {
  if (!talks_) return Outcome::waiting;
  const auto go_on = [](bool said) { return said ? Outcome::waiting : Outcome::failed; };
  const bool fine = code / 100 == 2;
  switch (stage_) {
    case Stage::banner:
      return fine ? go_on(say(Stage::helo, "EHLO client.example\r\n")) : Outcome::failed;
    case Stage::helo:
      return fine ? go_on(say(Stage::mail, "MAIL FROM:<sender" + std::to_string(number_) + "@example.org>\r\n"))
                  : Outcome::failed;
    case Stage::mail:
      return fine ? go_on(say(Stage::rcpt, "RCPT TO:<r" + std::to_string(number_ % 1000) + "@example.net>\r\n"))
                  : Outcome::failed;
    case Stage::rcpt:
      deferred_ = code / 100 == 4;
      return fine ? go_on(say(Stage::data, "DATA\r\n")) : go_on(say(Stage::quit, "QUIT\r\n"));
    case Stage::data:
      deferred_ = code / 100 == 4;
      // Who refuses at DATA hangs up, perhaps before QUIT is there.
      say(Stage::quit, "QUIT\r\n");
      return code / 100 == 4 ? Outcome::waiting : Outcome::failed;
    case Stage::quit:
      return Outcome::done;
  }
  return Outcome::failed;
}

}  // namespace deferd::bench
