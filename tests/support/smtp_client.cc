#include "smtp_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace deferd {

namespace {

constexpr std::size_t kLongestLine = 4096;
constexpr std::uint16_t kClientPort = 25000;
constexpr std::uint16_t kServerPort = 25;

[[noreturn]] void raise(const std::string& what) { throw std::runtime_error("SMTP client: " + what); }

int connect_to(const sockaddr* address, socklen_t size, std::chrono::milliseconds limit) {
  const int fd = ::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) raise(std::string("socket: ") + std::strerror(errno));
  const timeval time{limit.count() / 1000, (limit.count() % 1000) * 1000};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
  if (::connect(fd, address, size) == 0) return fd;
  const int error = errno;
  ::close(fd);
  raise(std::string("connect: ") + std::strerror(error));
}

int connect_unix(const std::string& path, std::chrono::milliseconds limit) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) raise("the socket's path is too long");
  path.copy(address.sun_path, path.size());
  return connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof address, limit);
}

int connect_inet(const std::string& host, std::uint16_t port, std::chrono::milliseconds limit) {
  const auto server = Address::parse(host);
  if (!server) raise("not an address: " + host);
  if (server->is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, server->bytes().data(), server->bytes().size());
    return connect_to(reinterpret_cast<const sockaddr*>(&v4), sizeof v4, limit);
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  std::memcpy(&v6.sin6_addr, server->bytes().data(), server->bytes().size());
  return connect_to(reinterpret_cast<const sockaddr*>(&v6), sizeof v6, limit);
}

/// Where the client connected to, of the client's own family.
Address our_address(const Address& client) { return *Address::parse(client.is_v4() ? "192.0.2.25" : "2001:db8::25"); }

}  // namespace

std::string SmtpReply::enhanced() const {
  if (lines.empty()) return {};
  const auto word = lines.front().substr(0, lines.front().find(' '));
  return word.size() >= 5 && std::isdigit(static_cast<unsigned char>(word[0])) != 0 && word[1] == '.' ? word : std::string();
}

std::string SmtpReply::text() const {
  std::string all;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) all += '\n';
    all += std::to_string(code);
    all += i + 1 < lines.size() ? '-' : ' ';
    all += lines[i];
  }
  return all;
}

SmtpClient::SmtpClient(const std::string& server, std::chrono::milliseconds limit) {
  if (server.starts_with("unix:")) {
    fd_ = connect_unix(server.substr(5), limit);
    return;
  }
  const auto colon = server.rfind(':');
  if (colon == std::string::npos) raise("what server is " + server + "?");
  auto host = server.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  fd_ = connect_inet(host, static_cast<std::uint16_t>(std::stoi(server.substr(colon + 1))), limit);
}

SmtpClient::~SmtpClient() { hang_up(); }

void SmtpClient::hang_up() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void SmtpClient::proxy_v1(const Address& client) {
  send("PROXY " + std::string(client.is_v4() ? "TCP4 " : "TCP6 ") + client.to_string() + ' ' + our_address(client).to_string() +
       ' ' + std::to_string(kClientPort) + ' ' + std::to_string(kServerPort) + "\r\n");
}

void SmtpClient::proxy_v2(const Address& client) {
  std::string header("\r\n\r\n\0\r\nQUIT\n", 12);
  const auto number = [&](std::uint16_t value) {
    header += static_cast<char>(value >> 8);
    header += static_cast<char>(value & 0xff);
  };
  header += '\x21';                            // version 2, PROXY
  header += client.is_v4() ? '\x11' : '\x21';  // TCP
  number(client.is_v4() ? 12 : 36);
  for (const auto& address : {client, our_address(client)})
    header.append(reinterpret_cast<const char*>(address.bytes().data()), address.bytes().size());
  number(kClientPort);
  number(kServerPort);
  send(header);
}

SmtpReply SmtpClient::command(std::string_view line) {
  send(std::string(line) + "\r\n");
  return read_reply();
}

SmtpReply SmtpClient::message(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.starts_with('.')) bytes += '.';
    bytes += line;
    bytes += "\r\n";
  }
  send(bytes + ".\r\n");
  return read_reply();
}

void SmtpClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) raise(std::string("send: ") + std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

SmtpReply SmtpClient::read_reply() {
  SmtpReply reply;
  while (true) {
    const auto line = read_line();
    const bool shaped = line.size() >= 3 && std::isdigit(static_cast<unsigned char>(line[0])) != 0 &&
                        (line.size() == 3 || line[3] == ' ' || line[3] == '-');
    if (!shaped) raise("no reply: '" + line + "'");
    const int code = std::atoi(line.substr(0, 3).c_str());
    if (!reply.lines.empty() && code != reply.code) raise("a reply with two codes: '" + line + "'");
    reply.code = code;
    reply.lines.push_back(line.size() > 4 ? line.substr(4) : std::string());
    if (line.size() == 3 || line[3] == ' ') return reply;
  }
}

std::string SmtpClient::read_line() {
  while (true) {
    if (const auto end = unread_.find('\n'); end != std::string::npos) {
      if (end == 0 || unread_[end - 1] != '\r') raise("a line that ends without CR");
      auto line = unread_.substr(0, end - 1);
      unread_.erase(0, end + 1);
      return line;
    }
    if (unread_.size() > kLongestLine) raise("a line without end");
    char buffer[4096];
    const auto got = ::recv(fd_, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) raise(std::string("waiting for a reply: ") + std::strerror(errno));
    if (got == 0) raise(unread_.empty() ? "the server hung up" : "the server hung up within a line: '" + unread_ + "'");
    unread_.append(buffer, static_cast<std::size_t>(got));
  }
}

bool SmtpClient::hung_up() {
  char byte = 0;
  while (unread_.empty()) {
    const auto got = ::recv(fd_, &byte, 1, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno != ECONNRESET) raise(std::string("waiting for the end: ") + std::strerror(errno));
    return got <= 0;
  }
  return false;
}

}  // namespace deferd
