#include "milter_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace deferd {

namespace {

enum : std::uint32_t {  // SMFIP_
  no_connect = 0x1,
  no_helo = 0x2,
  no_mail = 0x4,
  no_rcpt = 0x8,
  no_body = 0x10,
  no_headers = 0x20,
  no_eoh = 0x40,
  nr_header = 0x80,
  no_data = 0x200,
  nr_connect = 0x1000,
  nr_helo = 0x2000,
  nr_mail = 0x4000,
  nr_rcpt = 0x8000,
  nr_data = 0x10000,
  nr_eoh = 0x40000,
  nr_body = 0x80000,
};

constexpr std::size_t kMaxPacket = 1 << 20;

[[noreturn]] void raise(const std::string& what) { throw std::runtime_error("milter client: " + what); }

std::string number(std::uint32_t value) {
  const std::uint32_t wire = htonl(value);
  return {reinterpret_cast<const char*>(&wire), sizeof wire};
}

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t wire = 0;
  if (at + sizeof wire > bytes.size()) raise("a packet is too short");
  std::memcpy(&wire, bytes.data() + at, sizeof wire);
  return ntohl(wire);
}

void add_text(std::string& packet, std::string_view text) {
  packet += text;
  packet += '\0';
}

std::string arguments(std::string_view first, const std::vector<std::string>& rest) {
  std::string packet;
  add_text(packet, first);
  for (const auto& text : rest) add_text(packet, text);
  return packet;
}

std::string without_doubled_percent(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 1 < text.size() && text[i + 1] == '%') ++i;
    out += text[i];
  }
  return out;
}

int connect_to(const sockaddr* address, socklen_t size) {
  const int fd = ::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) raise(std::string("socket: ") + std::strerror(errno));
  if (::connect(fd, address, size) != 0) {
    const int error = errno;
    ::close(fd);
    raise(std::string("connect: ") + std::strerror(error));
  }
  return fd;
}

int connect_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) raise("the socket's path is too long");
  path.copy(address.sun_path, path.size());
  return connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

int connect_inet(const std::string& port, const std::string& host) {
  const auto number = htons(static_cast<std::uint16_t>(std::stoi(port)));
  sockaddr_in v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = number;
    return connect_to(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
  }
  sockaddr_in6 v6{};
  if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) != 1) raise("not an address: " + host);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = number;
  return connect_to(reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
}

int connect_socket(const std::string& socket) {
  const auto colon = socket.find(':');
  const auto at = socket.find('@');
  if (socket.starts_with("unix:")) return connect_unix(socket.substr(colon + 1));
  if (colon == socket.npos || at == socket.npos || !socket.starts_with("inet")) raise("what socket is " + socket + "?");
  return connect_inet(socket.substr(colon + 1, at - colon - 1), socket.substr(at + 1));
}

}  // namespace

int MilterAnswer::smtp_code() const {
  switch (code) {
    case 'c':
    case 'a':
      return 250;
    case 't':
      return 451;
    case 'r':
      return 550;
    case 'y':
      return std::stoi(text.substr(0, 3));
    default:
      return 0;
  }
}

MilterClient::MilterClient(const std::string& socket, std::chrono::milliseconds limit) : fd_(connect_socket(socket)) {
  timeval time{};
  time.tv_sec = limit.count() / 1000;
  time.tv_usec = limit.count() % 1000 * 1000;
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

MilterClient::~MilterClient() { hang_up(); }

void MilterClient::hang_up() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void MilterClient::send_raw(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) raise(std::string("send: ") + std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void MilterClient::send_packet(char command, std::string_view payload) {
  std::string packet = number(static_cast<std::uint32_t>(payload.size() + 1));
  packet += command;
  packet += payload;
  send_raw(packet);
}

void MilterClient::read_exactly(char* into, std::size_t count) {
  while (count > 0) {
    const auto got = ::recv(fd_, into, count, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) raise("the milter hung up");
    if (got < 0) raise(errno == EAGAIN ? "the milter says nothing" : std::string("recv: ") + std::strerror(errno));
    into += got;
    count -= static_cast<std::size_t>(got);
  }
}

std::pair<char, std::string> MilterClient::read_packet() {
  char head[5];
  read_exactly(head, sizeof head);
  const auto size = number_at(std::string_view(head, 4), 0);
  if (size == 0 || size > kMaxPacket) raise("a packet of " + std::to_string(size) + " bytes");
  std::string payload(size - 1, '\0');
  read_exactly(payload.data(), payload.size());
  return {head[4], std::move(payload)};
}

bool MilterClient::hung_up() {
  char byte = 0;
  for (;;) {
    const auto got = ::recv(fd_, &byte, 1, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) raise("the milter neither answers nor hangs up");
    return got <= 0;
  }
}

void MilterClient::negotiate(const Offer& offer) {
  send_packet('O', number(offer.version) + number(offer.actions) + number(offer.steps));
  const auto [code, payload] = read_packet();
  if (code != 'O') raise(std::string("answered the negotiation with ") + code);
  version_ = number_at(payload, 0);
  actions_ = number_at(payload, 4);
  steps_ = number_at(payload, 8);
  if (version_ > offer.version || (actions_ & ~offer.actions) != 0 || (steps_ & ~offer.steps) != 0)
    raise("wants what was not offered");
  wanted_.clear();
  for (std::size_t at = 12; at < payload.size();) {
    const auto stage = number_at(payload, at);
    const std::string text = payload.c_str() + at + 4;
    wanted_.emplace_back(stage, text);
    at += 4 + text.size() + 1;
  }
}

std::string MilterClient::macros_wanted(std::uint32_t stage) const {
  for (const auto& [number, text] : wanted_)
    if (number == stage) return text;
  return {};
}

MilterAnswer MilterClient::read_answer() {
  for (;;) {
    auto [code, payload] = read_packet();
    if (code == 'p') continue;  // "still working"
    if (code == 'h') {
      const std::string name = payload.c_str();
      if (name.size() + 1 >= payload.size()) raise("adds a header without a value");
      added_headers_.emplace_back(name, payload.c_str() + name.size() + 1);
      continue;
    }
    if (std::strchr("catrdsy", code) == nullptr) raise(std::string("answers with ") + code);
    return {code, code == 'y' ? without_doubled_percent(payload.c_str()) : std::string()};
  }
}

MilterAnswer MilterClient::step(char command, std::string_view payload, std::uint32_t not_wanted, std::uint32_t no_reply,
                                bool with_macros) {
  if (with_macros) {
    std::string packet(1, command);
    for (const auto& [name, value] : macros_) {
      add_text(packet, name);
      add_text(packet, value);
    }
    if (!macros_.empty()) send_packet('D', packet);
    macros_.clear();
  }
  if ((steps_ & not_wanted) != 0) return {};
  send_packet(command, payload);
  if ((steps_ & no_reply) != 0) return {};
  return read_answer();
}

MilterAnswer MilterClient::connect(std::string_view host, std::string_view address, std::uint16_t port) {
  std::string packet;
  add_text(packet, host);
  if (address.empty()) {
    packet += 'U';
  } else {
    const bool path = address.find('/') != address.npos;
    packet += path ? 'L' : address.find(':') != address.npos ? '6' : '4';
    const auto wire = htons(path ? 0 : port);
    packet.append(reinterpret_cast<const char*>(&wire), sizeof wire);
    add_text(packet, address);
  }
  return step('C', packet, no_connect, nr_connect, true);
}

MilterAnswer MilterClient::helo(std::string_view name) { return step('H', arguments(name, {}), no_helo, nr_helo, true); }

MilterAnswer MilterClient::mail(std::string_view from, const std::vector<std::string>& parameters) {
  return step('M', arguments(from, parameters), no_mail, nr_mail, true);
}

MilterAnswer MilterClient::rcpt(std::string_view to, const std::vector<std::string>& parameters) {
  return step('R', arguments(to, parameters), no_rcpt, nr_rcpt, true);
}

MilterAnswer MilterClient::data() {
  if (version_ < 4) return {};  // came with version 4
  return step('T', {}, no_data, nr_data, true);
}

MilterAnswer MilterClient::header(std::string_view name, std::string_view value) {
  return step('L', arguments(name, {std::string(value)}), no_headers, nr_header, false);
}

MilterAnswer MilterClient::eoh() { return step('N', {}, no_eoh, nr_eoh, false); }

MilterAnswer MilterClient::body(std::string_view chunk) { return step('B', chunk, no_body, nr_body, false); }

MilterAnswer MilterClient::end() {
  added_headers_.clear();
  return step('E', {}, 0, 0, true);
}

MilterAnswer MilterClient::message(const Pairs& headers, std::string_view text) {
  auto answer = data();
  for (const auto& [name, value] : headers)
    if (answer.goes_on()) answer = header(name, value);
  if (answer.goes_on()) answer = eoh();
  if (answer.goes_on()) answer = body(text);
  return answer.goes_on() ? end() : answer;
}

void MilterClient::abort() { send_packet('A', {}); }
void MilterClient::quit_nc() { send_packet('K', {}); }

void MilterClient::quit() {
  send_packet('Q', {});
  hang_up();
}

}  // namespace deferd
