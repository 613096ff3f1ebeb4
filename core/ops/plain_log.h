// The log of a process that must have no thread because it forks: lines like LogWriter's, written at once.
#pragma once
#include <memory>
#include <optional>

#include "ops/log_sink.h"
#include "ops/privileges.h"

namespace deferd {

/// Used by one thread. A file, pipe or terminal that does not take a line within two seconds loses it and, without any more
/// waiting, all lines until it takes them again; then `log.lost` tells how many. syslog is not waited for at all on Linux, and
/// elsewhere as long as syslog(3) does.
class PlainLog final : public Log {
 public:
  /// A file is opened, and made, as one of `owner`'s, who writes to it as well: root follows no links in other people's folders.
  /// Where the log cannot be opened lines go to standard error.
  PlainLog(const LogConfig& config, const Clock& clock, std::optional<Account> owner);

  void reopen(
      const LogConfig& config);  ///< A file is opened anew, too (rotation). If that fails, it stays as it was, and says so.

  bool enabled(Level level) const override { return level >= level_; }
  using Log::write;
  void write(Level level, std::string_view event, std::span<const Field> fields) override;

 private:
  Result<void> open(const LogConfig& config);

  const Clock& clock_;
  const std::optional<Account> owner_;
  std::unique_ptr<LogSink> sink_;
  LineShape shape_;
  Level level_ = Level::info;
  std::uint64_t lost_ = 0;  // lines that the log does not tell of yet
};

}  // namespace deferd
