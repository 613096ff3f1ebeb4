// Where lines of the log end up: a descriptor or syslog.
#pragma once
#include <sys/types.h>

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "ops/log_line.h"

namespace deferd {

/// Used by one thread at a time.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual LinePrefix prefix() const = 0;

  /// Writes whole lines, waiting for the sink as long as it takes; once `stop` is requested only for two seconds more. Returns
  /// how many bytes were written: fewer than all if the sink refused (full disk, closed pipe).
  virtual std::size_t write(std::string_view lines, const std::stop_token& stop) = 0;

  /// Whether a line would be taken, or refused, at once.
  virtual bool ready() const { return true; }
};

/// Ours when `owned`. A file takes a batch in one call; pipes and terminals whole lines of at most PIPE_BUF bytes, so that
/// others who write there never end up within a line.
class DescriptorSink : public LogSink {
 public:
  DescriptorSink(int fd, bool owned, LinePrefix prefix);
  ~DescriptorSink() override;
  DescriptorSink(const DescriptorSink&) = delete;
  DescriptorSink& operator=(const DescriptorSink&) = delete;

  LinePrefix prefix() const override { return prefix_; }
  std::size_t write(std::string_view lines, const std::stop_token& stop) override;
  bool ready() const override;

 private:
  std::size_t put(std::string_view lines, const std::stop_token& stop);

  int fd_;
  bool owned_;
  bool regular_;
  bool torn_ = false;  ///< What was written last ends within a line.
  LinePrefix prefix_;
};

/// Waits as long as syslog(3) does: with a syslogd that does not read, as long as it pleases. It is never told of a loss.
class SyslogSink : public LogSink {
 public:
  /// What takes one line, without its newline; syslog(3) unless a test looks on.
  using Emit = void (*)(int priority, const char* line);

  SyslogSink(const std::string& ident, int facility, Emit emit = nullptr);
  LinePrefix prefix() const override { return LinePrefix::priority; }
  std::size_t write(std::string_view lines, const std::stop_token& stop) override;

 private:
  Emit emit_;
};

/// syslog(3)'s number of a facility ("mail", "daemon", "local0" ...), or -1.
int facility_of(std::string_view name);

/// True if `fd` is the stream journald reads: $JOURNAL_STREAM (systemd.exec(5)) names its device and inode.
bool is_journal(int fd, const char* journal_stream);

/// Opens what `config.to` names; a file is made (mode 0640) or appended to. Errors: io, also for a FIFO that nobody reads.
Result<std::unique_ptr<LogSink>> open_sink(const LogConfig& config);

}  // namespace deferd
