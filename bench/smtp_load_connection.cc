#include "smtp_load_connection.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <utility>

#include "letters.h"

namespace deferd::bench {

namespace {

constexpr std::uint64_t kNetworks = 32'000;  // 127.1.0.0/24 and what follows
constexpr std::uint64_t kHosts = 250;

socklen_t size_of(const sockaddr_storage& address) {
  return address.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

sockaddr_storage loopback(int family, std::uint16_t port) {
  sockaddr_storage address{};
  if (family == AF_INET6) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
    v6.sin6_family = AF_INET6;
    v6.sin6_addr = in6addr_loopback;
    v6.sin6_port = htons(port);
  } else {
    auto& v4 = reinterpret_cast<sockaddr_in&>(address);
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v4.sin_port = htons(port);
  }
  return address;
}

}  // namespace

SmtpClient loopback_client(std::uint64_t n) {
  SmtpClient client;
  const auto network = n % kNetworks, host = n / kNetworks % kHosts + 1;
  auto& source = reinterpret_cast<sockaddr_in&>(client.source);
  source.sin_family = AF_INET;
  source.sin_addr.s_addr = htonl(static_cast<std::uint32_t>(0x7F010000u + (network << 8) + host));
  client.sender = fmt::format("sender-{}@example.org", in_letters(n));
  client.recipient = fmt::format("r{}@example.net", n % 1000);
  return client;
}

bool SmtpLoadConnection::begin(std::uint16_t port, const SmtpClient& client, Role role) {
  close();
  stage_ = Stage::banner;
  role_ = role;
  hesitating_ = deferred_ = false;
  last_code_ = 0;
  bytes_ = 0;
  client_ = client;
  line_.clear();
  slowest_ = longest_gap_ = {};
  begun_ = asked_ = Steady::now();
  const int family = client.source.ss_family;
  socket_ = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return false;
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(socket_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  // A whole network may be routed here without its addresses being configured.
  if (family == AF_INET6) ::setsockopt(socket_, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on);
  // Without TIME_WAIT on this side a long run does not run out of ports.
  const linger at_once{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  const auto server = loopback(family, port);
  if (::bind(socket_, reinterpret_cast<const sockaddr*>(&client.source), size_of(client.source)) != 0 ||
      (::connect(socket_, reinterpret_cast<const sockaddr*>(&server), size_of(server)) != 0 && errno != EINPROGRESS)) {
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
    const auto now = Steady::now();
    if (bytes_ == 0) first_byte_ = last_byte_ = now;
    longest_gap_ = std::max(longest_gap_, now - std::exchange(last_byte_, now));
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

SmtpLoadConnection::Outcome SmtpLoadConnection::say(Stage stage, std::string_view line) {
  stage_ = stage;
  asked_ = Steady::now();
  const auto sent = ::send(socket_, line.data(), line.size(), MSG_NOSIGNAL);
  return sent == static_cast<ssize_t>(line.size()) ? Outcome::waiting : Outcome::failed;
}

SmtpLoadConnection::Outcome SmtpLoadConnection::go_on() {
  hesitating_ = false;
  const auto outcome = say(Stage::rcpt, "RCPT TO:<" + client_.recipient + ">\r\n");
  if (outcome != Outcome::waiting) close();
  return outcome;
}

SmtpLoadConnection::Outcome SmtpLoadConnection::replied(int code) {
  last_code_ = code;
  slowest_ = std::max(slowest_, Steady::now() - asked_);
  if (role_ == Role::listens) return Outcome::waiting;
  const bool fine = code / 100 == 2;
  switch (stage_) {
    case Stage::banner:
      return fine ? say(Stage::helo, "EHLO client.example\r\n") : Outcome::failed;
    case Stage::helo:
      return fine ? say(Stage::mail, "MAIL FROM:<" + client_.sender + ">\r\n") : Outcome::failed;
    case Stage::mail:
      if (!fine) return Outcome::failed;
      hesitating_ = role_ == Role::hesitates;
      return hesitating_ ? Outcome::waiting : say(Stage::rcpt, "RCPT TO:<" + client_.recipient + ">\r\n");
    case Stage::rcpt:
      deferred_ = code / 100 == 4;
      return fine ? say(Stage::data, "DATA\r\n") : say(Stage::quit, "QUIT\r\n");
    case Stage::data:
      if (code == 354) return say(Stage::message, "Subject: a test\r\n\r\nNothing.\r\n.\r\n");
      [[fallthrough]];
    case Stage::message:
      deferred_ = code / 100 == 4;
      // Who refuses there hangs up, perhaps before QUIT is there.
      static_cast<void>(say(Stage::quit, "QUIT\r\n"));
      return deferred_ ? Outcome::waiting : Outcome::failed;
    case Stage::quit:
      return Outcome::done;
  }
  return Outcome::failed;
}

}  // namespace deferd::bench
