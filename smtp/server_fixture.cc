#include "smtp/server_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <thread>

namespace deferd::smtp {

using namespace std::chrono_literals;

namespace {

constexpr auto kPatience = 20s;

bool readable(int socket, std::chrono::milliseconds time) {
  pollfd wanted{socket, POLLIN, 0};
  return ::poll(&wanted, 1, static_cast<int>(time.count())) > 0;
}

socklen_t fill_address(sockaddr_storage& out, const SmtpAddress& address) {
  out = {};
  if (address.is_unix()) {
    auto& unix = reinterpret_cast<sockaddr_un&>(out);
    unix.sun_family = AF_UNIX;
    std::memcpy(unix.sun_path, address.path.data(), address.path.size());
    return sizeof unix;
  }
  const auto bytes = address.tcp.address.bytes();
  if (address.tcp.address.is_v4()) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(out);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.tcp.port);
    std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
    return sizeof v4;
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(out);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(address.tcp.port);
  std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
  return sizeof v6;
}

}  // namespace

TestClient::TestClient(const std::string& where, const std::string& from) {
  sockaddr_storage storage;
  const auto address = *SmtpAddress::parse(where);
  const auto size = fill_address(storage, address);
  socket_ = ::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (!address.is_unix()) {
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  if (!from.empty()) {
    sockaddr_storage own;
    const auto own_size = fill_address(own, {{}, {*Address::parse(from), 0}});
    if (::bind(socket_, reinterpret_cast<sockaddr*>(&own), own_size) != 0) throw std::runtime_error("bind " + from);
  }
  if (::connect(socket_, reinterpret_cast<sockaddr*>(&storage), size) != 0)
    throw std::runtime_error("connect " + where + ": " + std::strerror(errno));
}

void TestClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

bool TestClient::fill() {
  if (!readable(socket_, kPatience)) return false;
  char piece[4096];
  const auto got = ::recv(socket_, piece, sizeof piece, 0);
  if (got <= 0) {
    end_ = got == 0 ? "(closed)" : "(reset)";
    return false;
  }
  arrived_.append(piece, static_cast<std::size_t>(got));
  return true;
}

std::string TestClient::reply() {
  std::string whole;
  for (;;) {
    const auto end = arrived_.find("\r\n");
    if (end == arrived_.npos) {
      if (!fill()) return end_;
      continue;
    }
    const auto line = arrived_.substr(0, end);
    arrived_.erase(0, end + 2);
    whole += (whole.empty() ? "" : "|") + line;
    if (line.size() < 4 || line[3] != '-') return whole;
  }
}

std::string TestClient::ask(std::string_view line) {
  send(std::string(line) + "\r\n");
  return reply();
}

bool TestClient::hears_nothing_for(std::chrono::milliseconds time) { return arrived_.empty() && !readable(socket_, time); }

std::string TestClient::bytes(std::size_t count) {
  while (arrived_.size() < count)
    if (!fill()) return end_;
  auto first = arrived_.substr(0, count);
  arrived_.erase(0, count);
  return first;
}

void TestClient::finish_sending() { ::shutdown(socket_, SHUT_WR); }

void TestClient::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

ServerFixture::ServerFixture() {
  config.name = "mx.example";
  config.voice = Voice::rcpt;
  config.threads = 2;
  config.workers = 2;
  config.limits.new_per_prefix = 0;
  config.socket_mode.bits = 0600;
  addresses = {*SmtpAddress::parse("127.0.0.1:0")};
}

void ServerFixture::open() {
  configure();
  server = std::make_unique<SmtpServer>(
      addresses,
      SmtpServer::Wiring{.open = [this](Session session, Voice voice) -> std::unique_ptr<Dialogue> {
                           return std::make_unique<ScriptedDialogue>(script, std::move(session), voice);
                         },
                         .rules =
                             [this] {
                               const std::lock_guard lock(rules_mutex);
                               return rules;
                             },
                         .tls = [this] { return tls; },
                         .hand_over = hand_over,
                         .clock = clock,
                         .log = log,
                         .metrics = metrics},
      std::move(bound));
}

void ServerFixture::start() {
  if (!server) open();
  server->start();
}

void ServerFixture::configure() {
  {
    const std::lock_guard lock(rules_mutex);
    auto next = std::make_shared<SessionRules>();
    next->config = std::make_shared<const SmtpConfig>(config);
    next->clock = &clock;
    next->tls_offered = tls_offered;
    next->handover = handover;
    rules = std::move(next);
  }
  if (server) server->configure();
}

std::unique_ptr<TestClient> ServerFixture::client(const std::string& from) {
  auto client = std::make_unique<TestClient>(where(), from);
  EXPECT_EQ(client->reply(), "220 mx.example ESMTP");
  return client;
}

std::unique_ptr<TestClient> ServerFixture::introduced(const std::string& from) {
  auto one = client(from);
  EXPECT_EQ(one->ask("HELO client.example"), "250 mx.example Ready");
  EXPECT_EQ(one->ask("MAIL FROM:<a@example.org>"), "250 2.1.0 OK");
  return one;
}

void ServerFixture::wait_for(const std::function<bool()>& condition, std::string_view what) const {
  for (const auto end = std::chrono::steady_clock::now() + kPatience; !condition();) {
    if (std::chrono::steady_clock::now() > end) {
      ADD_FAILURE() << "waited in vain for " << what;
      return;
    }
    std::this_thread::sleep_for(1ms);
  }
}

std::string ServerFixture::gauge(std::string_view metric) const {
  const auto text = metrics.text();
  const auto line = text.find("\n" + std::string(metric) + " ");
  if (line == text.npos) return {};
  const auto begin = line + 2 + metric.size();
  return text.substr(begin, text.find('\n', begin) - begin);
}

}  // namespace deferd::smtp
