#include "ops/plain_log_syslog.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "ops/descriptors.h"

namespace deferd {
namespace {

class SyslogSocket final : public LogSink {
 public:
  explicit SyslogSocket(const LogConfig& config)
      : tag_(config.ident + '[' + std::to_string(getpid()) + "]: "), facility_(facility_of(config.facility)) {}

  LinePrefix prefix() const override { return LinePrefix::priority; }

  std::size_t write(std::string_view lines, const std::stop_token&) override {
    std::size_t done = 0;
    while (done < lines.size()) {
      const auto line = lines.substr(done, lines.find('\n', done) - done);
      if (!take(line)) break;
      done = std::min(done + line.size() + 1, lines.size());
    }
    return done;
  }

  bool ready() const override {
    pollfd now{socket_.get(), POLLOUT, 0};
    return !socket_ || poll(&now, 1, 0) > 0;
  }

  bool connect() {
    socket_ = Descriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, "/dev/log");
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
    const int error = errno;
    socket_ = {};
    errno = error;
    return false;
  }

 private:
  // "<6>what it says", as sd-daemon(3) has it.
  bool take(std::string_view line) {
    const bool prefixed = line.size() >= 3 && line[0] == '<' && line[2] == '>';
    const int priority = prefixed ? line[1] - '0' : LOG_INFO;
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    char when[32];
    const auto length = std::strftime(when, sizeof when, "%b %e %H:%M:%S ", localtime_r(&now, &local));
    std::string datagram = '<' + std::to_string(facility_ | priority) + '>';
    datagram.append(when, length).append(tag_).append(line.substr(prefixed ? 3 : 0));
    if (socket_ && send(datagram)) return true;
    if (socket_ && (errno == EAGAIN || errno == ENOBUFS)) return false;
    return connect() && send(datagram);  // syslogd was started anew
  }
  bool send(const std::string& datagram) const {
    return ::send(socket_.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL) >= 0;
  }

  const std::string tag_;
  const int facility_;
  Descriptor socket_;
};

}  // namespace

std::unique_ptr<LogSink> open_syslog_socket([[maybe_unused]] const LogConfig& config) {
#ifdef __linux__
  auto sink = std::make_unique<SyslogSocket>(config);
  if (sink->connect() || errno != EPROTOTYPE) return sink;
#endif
  return nullptr;
}

}  // namespace deferd
