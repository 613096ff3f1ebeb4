// What the kernel allows a tarpit on this machine: epoll, a ring of slots, one byte a second to each connection, for ever. Does
// nothing else: no lines, no limits.
//
//   stutter_loop      prints its port
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <vector>

namespace deferd::bench {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t kSlots = 100;  // of 10 ms
constexpr int kAtATurn = 64;

class StutterLoop {
 public:
  StutterLoop() : epoll_(epoll_create1(EPOLL_CLOEXEC)), listening_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    ::setsockopt(listening_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    socklen_t size = sizeof address;
    if (::bind(listening_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listening_, 4096) != 0 ||
        ::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("cannot listen");
    fmt::print("{}\n", ntohs(address.sin_port));
    std::fflush(stdout);
    watch(listening_);
  }

  void run() {
    for (auto next = Steady::now();;) {
      std::array<epoll_event, 512> events;
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 5);
      for (int i = 0; i < count; ++i)
        if (const int socket = events[static_cast<std::size_t>(i)].data.fd; socket == listening_)
          accept();
        else
          drain(socket);
      for (const auto now = Steady::now(); next < now; next += std::chrono::milliseconds(10)) turn();
    }
  }

 private:
  void watch(int socket) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = socket;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event);
  }

  void accept() {
    for (int i = 0; i < kAtATurn; ++i) {
      const int socket = ::accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (socket < 0) return;
      watch(socket);
      slots_[slot_].push_back(socket);
    }
  }

  // Its slot notices at its next byte that the connection has ended.
  void drain(int socket) {
    char piece[4096];
    if (::recv(socket, piece, sizeof piece, 0) <= 0) epoll_ctl(epoll_, EPOLL_CTL_DEL, socket, nullptr);
  }

  void turn() {
    slot_ = (slot_ + 1) % kSlots;
    std::erase_if(slots_[slot_], [](int socket) {
      if (::send(socket, "x", 1, MSG_NOSIGNAL) == 1 || errno == EAGAIN) return false;
      ::close(socket);
      return true;
    });
  }

  const int epoll_, listening_;
  std::array<std::vector<int>, kSlots> slots_;
  std::size_t slot_ = 0;
};

}  // namespace
}  // namespace deferd::bench

int main() {
  rlimit descriptors{};
  getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max;
  setrlimit(RLIMIT_NOFILE, &descriptors);
  deferd::bench::StutterLoop().run();
}
