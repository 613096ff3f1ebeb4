#include "ops/plain_log.h"

#include <utility>

namespace deferd {

PlainLog::PlainLog(const LogConfig& config, const Clock& clock, std::optional<Account> owner)
    : clock_(clock), owner_(std::move(owner)) {
  const auto opened = open(config);
  if (opened) return;
  auto instead = config;
  instead.to = "stderr";
  or_throw(open(instead));
  error("monitor.log_failed", {{"what", opened.error().what}});
}

void PlainLog::reopen(const LogConfig& config) {
  if (auto opened = open(config); !opened) error("monitor.log_failed", {{"what", opened.error().what}});
}

Result<void> PlainLog::open(const LogConfig& config) {
  const bool file = config.to != "stderr" && config.to != "syslog";
  std::optional<AsAccount> theirs;
  try {
    if (file && owner_) theirs.emplace(*owner_);
  } catch (const ErrorException& error) {
    return fail(error.code, error.what());
  }
  auto sink = open_sink(config);
  if (!sink) return tl::unexpected(sink.error());
  sink_ = std::move(*sink);
  shape_ = {config.format, sink_->prefix()};
  level_ = config.level;
  return {};
}

void PlainLog::write(Level level, std::string_view event, std::span<const Field> fields) {
  if (!enabled(level)) return;
  std::string line;
  append_line(line, shape_, clock_.now(), level, event, fields);
  std::stop_source hurry;
  hurry.request_stop();
  sink_->write(line, hurry.get_token());
}

}  // namespace deferd
