#include "config_port.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace deferd::blacklist {
namespace {

constexpr int kBacklog = 64;
constexpr std::size_t kShortestLine = 2;  // spamd(8)
constexpr std::size_t kLineShown = 60;
constexpr std::string_view kLinesHelp = "Lines that came by the configuration port.";

Error error_of(const PortAddress& address) {
  return {Errc::io, "config_port: " + address.to_string() + ": " + std::strerror(errno)};
}

Counter& counter(Host& host, std::string_view result) {
  return host.counter("deferd_blacklist_port_lines_total", {{"result", result}}, kLinesHelp);
}

class Closing {
 public:
  explicit Closing(int descriptor) : descriptor_(descriptor) {}
  ~Closing() { ::close(descriptor_); }
  Closing(const Closing&) = delete;
  Closing& operator=(const Closing&) = delete;

 private:
  const int descriptor_;
};

}  // namespace

Result<std::shared_ptr<ConfigSocket>> ConfigSocket::open(const PortAddress& address) {
  sockaddr_storage place;
  const auto length = address.fill(place);
  const int descriptor = ::socket(place.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return tl::unexpected(error_of(address));
  const int on = 1;
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&place), length) != 0 || ::listen(descriptor, kBacklog) != 0) {
    auto error = error_of(address);
    ::close(descriptor);
    return tl::unexpected(std::move(error));
  }
  return std::shared_ptr<ConfigSocket>(new ConfigSocket(address, descriptor));
}

ConfigSocket::~ConfigSocket() { ::close(descriptor_); }

PortAddress ConfigSocket::bound() const {
  sockaddr_storage place{};
  socklen_t length = sizeof(place);
  if (::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&place), &length) != 0) return asked_for_;
  return PortAddress::of(place).value_or(asked_for_);
}

ConfigPort::ConfigPort(std::shared_ptr<ConfigSocket> socket, const Copies& copies, Host& host, MayConfigure may_configure)
    : socket_(std::move(socket)),
      copies_(copies),
      host_(host),
      may_configure_(may_configure),
      taken_(counter(host, "taken")),
      refused_(counter(host, "refused")) {
  socket_->lists().read_copies(copies_, host_.log());
  if (::pipe2(stop_, O_CLOEXEC) != 0) throw ErrorException(error_of(socket_->asked_for()));
  thread_ = std::thread(&ConfigPort::run, this);
}

ConfigPort::~ConfigPort() {
  ::close(stop_[1]);
  thread_.join();
  ::close(stop_[0]);
}

/// Until there is something to read. False: the plugin ends, or time is up.
bool ConfigPort::wait(int descriptor, std::chrono::steady_clock::time_point end) const {
  using std::chrono::steady_clock;
  for (;;) {
    pollfd both[] = {{descriptor, POLLIN, 0}, {stop_[0], 0, 0}};
    int limit = -1;
    if (end != steady_clock::time_point::max()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - steady_clock::now()).count();
      if (left <= 0) return false;
      limit = static_cast<int>(left);
    }
    const int ready = ::poll(both, 2, limit);
    if (ready < 0 && errno != EINTR) return false;
    if (ready > 0) return both[1].revents == 0;
  }
}

void ConfigPort::run() {
  while (wait(socket_->descriptor(), std::chrono::steady_clock::time_point::max())) {
    sockaddr_storage place{};
    socklen_t length = sizeof(place);
    const int caller =
        ::accept4(socket_->descriptor(), reinterpret_cast<sockaddr*>(&place), &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (caller < 0) {  // the other configuration's thread was faster, or there are no descriptors left
      if (errno == EMFILE || errno == ENFILE) std::this_thread::sleep_for(std::chrono::milliseconds(100));
      continue;
    }
    const Closing closing(caller);
    try {
      if (const auto from = PortAddress::of(place)) serve(caller, *from);
    } catch (const std::exception& error) {
      host_.log().error("blacklist.broken", {{"error", error.what()}});
    }
  }
}

Result<std::string> ConfigPort::hear(int descriptor) const {
  const auto end = std::chrono::steady_clock::now() + kLongest;
  std::string text;
  char piece[64 * 1024];
  while (wait(descriptor, end)) {
    const auto got = ::recv(descriptor, piece, sizeof(piece), 0);
    if (got == 0) return text;
    if (got < 0 && errno != EINTR && errno != EAGAIN) return fail(Errc::io, std::strerror(errno));
    if (got > 0) text.append(piece, static_cast<std::size_t>(got));
    if (text.size() > kMostBytes) return fail(Errc::invalid, "says more than " + std::to_string(kMostBytes) + " bytes");
  }
  return fail(Errc::unavailable, "does not come to an end");
}

void ConfigPort::serve(int descriptor, const PortAddress& caller) {
  const auto text = may_configure_(caller)
                        ? hear(descriptor)
                        : Result<std::string>(fail(Errc::invalid, "its port is not below 1024: it is not root's"));
  if (!text) {
    host_.log().warning("blacklist.refused", {{"caller", caller.to_string()}, {"error", text.error().what}});
    refused_.add();
    return;
  }
  std::string_view rest = *text;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    const auto end = line.size() < rest.size() ? LineEnd::seen : LineEnd::missing;
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.size() < kShortestLine) continue;
    const auto done = socket_->lists().take(line, end, host_.clock(), copies_, host_.log());
    if (!done)
      host_.log().warning("blacklist.refused", {{"line", std::string(line.substr(0, kLineShown))}, {"error", done.error().what}});
    (done ? taken_ : refused_).add();
  }
}

}  // namespace deferd::blacklist
