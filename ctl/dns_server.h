// A DNS server for tests: on a free port of 127.0.0.1, UDP and TCP, with the records it is given.
#pragma once
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ctl/dns_type.h"
#include "deferd/address.h"

namespace deferd::testing {

class DnsServer {
  static constexpr char kNoError = 0, kServerFailure = 2, kNameError = 3;  // RFC 1035 section 4.1.1

 public:
  DnsServer() {
    for (int tries = 0; tries < 20 && !bind_both(); ++tries) close_both();
    if (tcp_ < 0 || ::pipe(stop_) != 0) throw std::runtime_error("no port for a DNS server");
    thread_ = std::thread([this] { serve(); });
  }
  ~DnsServer() {
    ::close(stop_[1]);
    thread_.join();
    ::close(stop_[0]);
    close_both();
  }

  std::string where() const { return "127.0.0.1:" + std::to_string(port_); }

  void txt(const std::string& name, const std::string& text) {
    std::string data;
    for (std::size_t i = 0; i < text.size() || i == 0; i += 255) {
      const auto piece = text.substr(i, 255);
      data += static_cast<char>(piece.size()) + piece;
    }
    add(name, dns::kTxt, data);
  }
  void address(const std::string& name, const std::string& text) {
    const auto address = *Address::parse(text);
    add(name, address.is_v4() ? dns::kA : dns::kAaaa, std::string(address.bytes().begin(), address.bytes().end()));
  }
  void mx(const std::string& name, const std::string& exchanger) {
    add(name, dns::kMx, std::string("\0\x0a", 2) + wire(exchanger));
  }
  /// Questions about this name are answered by SERVFAIL.
  void fail(const std::string& name) {
    const std::lock_guard lock(mutex_);
    failing_[name] = true;
  }

 private:
  static std::string wire(const std::string& name) {
    std::string out;
    for (std::size_t start = 0; start < name.size();) {
      const auto dot = std::min(name.find('.', start), name.size());
      out += static_cast<char>(dot - start) + name.substr(start, dot - start);
      start = dot + 1;
    }
    return out + '\0';
  }

  void add(const std::string& name, int type, const std::string& data) {
    const std::lock_guard lock(mutex_);
    records_[{name, type}].push_back(data);
  }

  bool bind_both() {
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof place;
    udp_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    tcp_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto* address = reinterpret_cast<sockaddr*>(&place);
    if (::bind(udp_, address, size) != 0 || ::getsockname(udp_, address, &size) != 0) return false;
    port_ = ntohs(place.sin_port);
    return ::bind(tcp_, address, size) == 0 && ::listen(tcp_, 8) == 0;
  }
  void close_both() {
    ::close(udp_);
    ::close(tcp_);
    udp_ = tcp_ = -1;
  }

  void serve() {
    for (;;) {
      std::array<pollfd, 3> polled = {{{udp_, POLLIN, 0}, {tcp_, POLLIN, 0}, {stop_[0], POLLIN, 0}}};
      if (::poll(polled.data(), polled.size(), -1) < 0) continue;
      if (polled[2].revents != 0) return;
      std::array<char, 4096> buffer;
      if (polled[0].revents != 0) {
        sockaddr_in from{};
        socklen_t size = sizeof from;
        const auto got = ::recvfrom(udp_, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
        if (got < 12) continue;
        const auto reply = answer({buffer.data(), static_cast<std::size_t>(got)}, 512);
        ::sendto(udp_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
      }
      if (polled[1].revents != 0) {
        const int client = ::accept(tcp_, nullptr, nullptr);
        const auto got = ::recv(client, buffer.data(), buffer.size(), 0);  // c-ares sends length and question at once
        if (got > 14) {
          const auto reply = answer({buffer.data() + 2, static_cast<std::size_t>(got) - 2}, 65535);
          const std::string length = {static_cast<char>(reply.size() >> 8), static_cast<char>(reply.size())};
          ::send(client, (length + reply).data(), reply.size() + 2, MSG_NOSIGNAL);
        }
        ::close(client);
      }
    }
  }

  std::string answer(const std::string& question, std::size_t longest) {
    std::string name;
    std::size_t at = 12;
    while (at < question.size() && question[at] != 0) {
      const auto length = static_cast<std::size_t>(static_cast<unsigned char>(question[at]));
      name += (name.empty() ? "" : ".") + question.substr(at + 1, length);
      at += length + 1;
    }
    const int type = at + 2 < question.size() ? static_cast<unsigned char>(question[at + 2]) : 0;
    const std::string asked = question.substr(12, at + 5 - 12);

    const std::lock_guard lock(mutex_);
    const auto found = records_.find({name, type});
    bool known = false;
    for (const auto& [key, data] : records_) known = known || key.first == name;
    const char code = failing_.contains(name) ? kServerFailure : known ? kNoError : kNameError;
    std::string records;
    std::size_t count = 0;
    if (code == kNoError && found != records_.end())
      for (const auto& data : found->second) {
        records += std::string("\xc0\x0c\0", 3) + static_cast<char>(type) + std::string("\0\1\0\0\0\x3c", 6);
        records += static_cast<char>(data.size() >> 8);
        records += static_cast<char>(data.size());
        records += data;
        ++count;
      }
    const bool truncated = 12 + asked.size() + records.size() > longest;
    if (truncated) count = 0;
    std::string reply = question.substr(0, 2);
    reply += static_cast<char>(truncated ? 0x87 : 0x85);  // an answer, authoritative, recursion desired
    reply += static_cast<char>(0x80 | code);
    reply += std::string("\0\1\0", 3) + static_cast<char>(count) + std::string(4, '\0') + asked;
    return truncated ? reply : reply + records;
  }

  std::mutex mutex_;
  std::map<std::pair<std::string, int>, std::vector<std::string>> records_;
  std::map<std::string, bool> failing_;
  int udp_ = -1, tcp_ = -1;
  int stop_[2] = {-1, -1};
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace deferd::testing
