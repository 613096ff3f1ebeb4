#include "ops/log_sink.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>

namespace deferd {
namespace {

constexpr std::pair<std::string_view, int> kFacilities[] = {
    {"auth", LOG_AUTH},     {"cron", LOG_CRON},     {"daemon", LOG_DAEMON}, {"local0", LOG_LOCAL0}, {"local1", LOG_LOCAL1},
    {"local2", LOG_LOCAL2}, {"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4}, {"local5", LOG_LOCAL5}, {"local6", LOG_LOCAL6},
    {"local7", LOG_LOCAL7}, {"mail", LOG_MAIL},     {"news", LOG_NEWS},     {"user", LOG_USER},     {"uucp", LOG_UUCP}};

/// False when a stop was requested and the reader still does not read.
bool wait_writable(int fd, const std::stop_token& stop) {
  constexpr int slice_ms = 100;
  int patience = 20;
  while (true) {
    pollfd waiting{fd, POLLOUT, 0};
    const int ready = poll(&waiting, 1, slice_ms);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
    if (stop.stop_requested() && --patience == 0) return false;
  }
}

/// The longest start of `lines` that ends with a line and has at most `limit` bytes; at least one line, or `limit` bytes of it.
std::size_t whole_lines(std::string_view lines, std::size_t limit) {
  if (lines.size() <= limit) return lines.size();
  const auto end = lines.rfind('\n', limit - 1);
  return end == std::string_view::npos ? limit : end + 1;
}

}  // namespace

DescriptorSink::DescriptorSink(int fd, bool owned, LinePrefix prefix) : fd_(fd), owned_(owned), prefix_(prefix) {
  struct stat status {};
  regular_ = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

DescriptorSink::~DescriptorSink() {
  if (owned_) close(fd_);
}

std::size_t DescriptorSink::write(std::string_view lines, const std::stop_token& stop) {
  if (torn_ && put("\n", stop) == 0) return 0;
  torn_ = false;
  const auto done = put(lines, stop);
  torn_ = done > 0 && lines[done - 1] != '\n';
  return done;
}

bool DescriptorSink::ready() const {
  pollfd now{fd_, POLLOUT, 0};
  return regular_ || poll(&now, 1, 0) > 0;
}

std::size_t DescriptorSink::put(std::string_view lines, const std::stop_token& stop) {
  std::size_t done = 0;
  while (done < lines.size()) {
    auto next = lines.substr(done);
    if (!regular_) {
      if (!wait_writable(fd_, stop)) break;
      next = next.substr(0, whole_lines(next, PIPE_BUF));
    }
    const ssize_t written = ::write(fd_, next.data(), next.size());
    if (written >= 0)
      done += static_cast<std::size_t>(written);
    else if (errno != EINTR && errno != EAGAIN)
      break;
  }
  return done;
}

SyslogSink::SyslogSink(const std::string& ident, int facility, Emit emit) : emit_(emit) {
  if (emit_ != nullptr) return;
  emit_ = [](int priority, const char* line) { syslog(priority, "%s", line); };
  // The C library keeps the pointer for ever, and other libraries of this process log through it as well.
  static std::mutex mutex;
  static std::set<std::string> idents;
  const std::lock_guard lock(mutex);
  openlog(idents.insert(ident).first->c_str(), LOG_PID | LOG_NDELAY, facility);
}

std::size_t SyslogSink::write(std::string_view lines, const std::stop_token&) {
  std::string line;
  for (auto rest = lines; !rest.empty();) {
    line.assign(rest.substr(0, rest.find('\n')));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const bool prefixed = line.size() >= 3 && line[0] == '<' && line[2] == '>';
    emit_(prefixed ? line[1] - '0' : LOG_INFO, line.c_str() + (prefixed ? 3 : 0));
  }
  return lines.size();
}

int facility_of(std::string_view name) {
  for (const auto& [known, number] : kFacilities)
    if (known == name) return number;
  return -1;
}

bool is_journal(int fd, const char* journal_stream) {
  unsigned long long device = 0;
  unsigned long long inode = 0;
  struct stat status {};
  return journal_stream != nullptr && std::sscanf(journal_stream, "%llu:%llu", &device, &inode) == 2 && fstat(fd, &status) == 0 &&
         status.st_dev == device && status.st_ino == inode;
}

Result<std::unique_ptr<LogSink>> open_sink(const LogConfig& config) {
  if (config.to == "syslog") return std::make_unique<SyslogSink>(config.ident, facility_of(config.facility));
  if (config.to == "stderr") {
    const bool journal = is_journal(STDERR_FILENO, std::getenv("JOURNAL_STREAM"));
    return std::make_unique<DescriptorSink>(STDERR_FILENO, false, journal ? LinePrefix::priority : LinePrefix::time);
  }
  const int fd = open(config.to.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
  if (fd < 0) return fail(Errc::io, "cannot open the log " + config.to + ": " + std::strerror(errno));
  return std::make_unique<DescriptorSink>(fd, true, LinePrefix::time);
}

}  // namespace deferd
