// syslog(3) for a process that must not wait for it.
#pragma once
#include <memory>

#include "ops/log_sink.h"

namespace deferd {

/// Sends lines to /dev/log as syslog(3) of Linux does, but never waits: one that is not taken at once, because nobody is there or
/// nobody reads, is refused. Null if that is not the way to syslogd: on other systems, or if it wants a stream.
std::unique_ptr<LogSink> open_syslog_socket(const LogConfig& config);

}  // namespace deferd
