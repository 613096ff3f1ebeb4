// One line of the log, as bytes.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "deferd/host.h"
#include "ops/log_writer.h"

namespace deferd {

/// How a line begins.
enum class LinePrefix : std::uint8_t {
  time,      ///< "2026-11-20T11:10:38Z info ": whoever keeps the lines knows neither.
  priority,  ///< "<6>", sd-daemon(3): journald and syslog note time and level themselves.
};

struct alignas(2) LineShape {  // both bytes at once: clang would call libatomic otherwise
  LogConfig::Format format = LogConfig::Format::text;
  LinePrefix prefix = LinePrefix::time;
  bool operator==(const LineShape&) const = default;
};

/// syslog(3)'s number for a level.
int priority_of(Level level);

/// Appends the line with its newline. Values of strangers are bounded (base/escape.h) and stay on the line.
void append_line(std::string& out, LineShape shape, Time time, Level level, std::string_view event,
                 std::span<const Field> fields);

}  // namespace deferd
