#include "load_connection.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <utility>

namespace deferd::bench {
namespace {

// Version 6 of the protocol, as in libmilter/mfdef.h.
constexpr std::uint32_t kVersion = 6, kActions = 0x1ff, kSteps = 0x1fffff;
constexpr std::uint32_t kNoConnect = 0x1, kNoHelo = 0x2, kNoMail = 0x4;
constexpr std::uint32_t kNoReplyConnect = 0x1000, kNoReplyHelo = 0x2000, kNoReplyMail = 0x4000;
constexpr std::uint32_t kNeverAsked = 0x8 | 0x8000;  // about recipients

std::string number(std::uint32_t value) {
  value = htonl(value);
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::uint32_t number_at(std::string_view bytes) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data(), sizeof value);
  return ntohl(value);
}

std::string texts(std::initializer_list<std::string_view> all) {
  std::string out;
  for (const auto text : all) out.append(text) += '\0';
  return out;
}

std::string dotted(std::uint32_t address) {
  in_addr in{htonl(address)};
  char text[INET_ADDRSTRLEN] = "";
  inet_ntop(AF_INET, &in, text, sizeof text);
  return text;
}

}  // namespace

bool LoadConnection::begin(const sockaddr_un& milter, Mail mail) {
  mail_ = std::move(mail);
  in_.clear();
  out_.clear();
  begun_ = Steady::now();
  fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return false;
  packet('O', number(kVersion) + number(kActions) + number(kSteps));
  stage_ = Stage::negotiate;
  if (connect(fd_, reinterpret_cast<const sockaddr*>(&milter), sizeof milter) == 0 && send()) return true;
  close();
  return false;
}

void LoadConnection::packet(char command, std::string_view body) {
  out_ += number(static_cast<std::uint32_t>(body.size() + 1));
  out_ += command;
  out_ += body;
}

void LoadConnection::say(Stage stage) {
  switch (stage) {
    case Stage::connect: {
      packet('D', 'C' + texts({"j", "mx.example.org", "{daemon_name}", "mx.example.org", "{daemon_addr}", "127.0.0.1", "v",
                               "Postfix 3.7.11"}));
      const std::uint16_t port = htons(25000);
      packet('C', texts({mail_.helo}) + '4' + std::string(reinterpret_cast<const char*>(&port), sizeof port) +
                      texts({dotted(mail_.client)}));
      break;
    }
    case Stage::helo:
      packet('D', "H");
      packet('H', texts({mail_.helo}));
      break;
    case Stage::mail:
      packet('D', 'M' + texts({"{mail_addr}", mail_.sender, "{mail_host}", "example.net", "{mail_mailer}", "smtp"}));
      packet('M', texts({"<" + mail_.sender + ">", "SIZE=1024"}));
      break;
    case Stage::rcpt:
      packet('D', 'R' + texts({"{rcpt_addr}", mail_.recipient, "{rcpt_host}", "example.org", "{rcpt_mailer}", "local"}));
      packet('R', texts({"<" + mail_.recipient + ">"}));
      rcpt_sent_ = Steady::now();
      break;
    case Stage::negotiate:
      break;
  }
}

bool LoadConnection::say_until_an_answer_is_due() {
  struct Wish {
    Stage stage;
    std::uint32_t never, no_reply;
  };
  static constexpr Wish wishes[] = {{Stage::connect, kNoConnect, kNoReplyConnect},
                                    {Stage::helo, kNoHelo, kNoReplyHelo},
                                    {Stage::mail, kNoMail, kNoReplyMail},
                                    {Stage::rcpt, 0, 0}};
  for (const auto& wish : wishes) {
    if (wish.stage <= stage_ || (steps_ & wish.never) != 0) continue;
    say(wish.stage);
    stage_ = wish.stage;
    if ((steps_ & wish.no_reply) == 0) break;
  }
  return send();
}

LoadConnection::Outcome LoadConnection::answered(char code, std::string_view data) {
  if (stage_ == Stage::negotiate) {
    if (code != 'O' || data.size() < 12) return Outcome::failed;
    steps_ = number_at(data.substr(8));
    if ((steps_ & kNeverAsked) != 0) return Outcome::failed;
  } else if (stage_ == Stage::rcpt) {
    rcpt_took_ = Steady::now() - rcpt_sent_;
    packet('A', {});
    packet('Q', {});
    if (!send()) return Outcome::failed;
    if (code == 't' || (code == 'y' && data.starts_with('4'))) return Outcome::deferred;
    return code == 'c' ? Outcome::passed : Outcome::failed;
  } else if (code != 'c') {
    return Outcome::failed;
  }
  return say_until_an_answer_is_due() ? Outcome::waiting : Outcome::failed;
}

LoadConnection::Outcome LoadConnection::readable() {
  char bytes[4096];
  const auto size = recv(fd_, bytes, sizeof bytes, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return Outcome::waiting;
  auto outcome = size > 0 ? Outcome::waiting : Outcome::failed;
  if (size > 0) in_.append(bytes, static_cast<std::size_t>(size));
  while (outcome == Outcome::waiting && in_.size() >= 5) {
    const std::size_t length = number_at(in_);
    if (length == 0) outcome = Outcome::failed;
    if (length == 0 || in_.size() < 4 + length) break;
    const std::string answer = in_.substr(4, length);
    in_.erase(0, 4 + length);
    outcome = answered(answer[0], std::string_view(answer).substr(1));
  }
  if (outcome != Outcome::waiting) close();
  return outcome;
}

// A few hundred bytes into an empty socket: this does not block.
bool LoadConnection::send() {
  const auto size = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
  const bool all = size == static_cast<ssize_t>(out_.size());
  out_.clear();
  return all;
}

void LoadConnection::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

}  // namespace deferd::bench
