// Times and the clock that is handed in; nothing in deferd reads the system clock but SystemClock (core/base).
#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "deferd/result.h"

namespace deferd {

/// Wall time in whole seconds: what is stored and compared across restarts.
using Time = std::chrono::sys_seconds;
using Duration = std::chrono::seconds;
using SteadyTime = std::chrono::steady_clock::time_point;

/// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;           ///< May jump either way when the machine's clock is set.
  virtual SteadyTime steady() const = 0;  ///< For budgets and waits; never jumps.
};

/// Reads `25m`, `36d`, `1h30m`, `90s`, `500ms`, `2w`; a bare number only if it is 0. Units: ms s m h d w, largest first, each
/// once. Errors: invalid, with what was expected.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

/// Such a text: 90 s is `1m30s`, 36 days `36d`, 14 days `2w`, 0 `0s`; a negative one starts with `-`.
std::string format_duration(std::chrono::milliseconds duration);

/// `2026-11-20T11:10:38Z`, RFC 3339 in UTC. Years beyond 0000 to 9999 show as the nearest such moment.
std::string format_time(Time time);

}  // namespace deferd
