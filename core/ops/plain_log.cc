#include "ops/plain_log.h"

#include <utility>

#include "ops/plain_log_syslog.h"

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
  auto sink = config.to == "syslog" ? open_syslog_socket(config) : nullptr;
  if (!sink) {
    auto opened = open_sink(config);
    if (!opened) return tl::unexpected(opened.error());
    sink = std::move(*opened);
  }
  sink_ = std::move(sink);
  shape_ = {config.format, sink_->prefix()};
  level_ = config.level;
  return {};
}

void PlainLog::write(Level level, std::string_view event, std::span<const Field> fields) {
  if (!enabled(level)) return;
  if (lost_ > 0 && !sink_->ready()) {
    ++lost_;
    return;
  }
  std::stop_source hurry;
  hurry.request_stop();
  const auto put = [&](Level its_level, std::string_view its_event, std::span<const Field> its_fields) {
    std::string line;
    append_line(line, shape_, clock_.now(), its_level, its_event, its_fields);
    return sink_->write(line, hurry.get_token()) == line.size();
  };
  const Field lines("lines", lost_);
  if (lost_ > 0 && put(Level::warning, "log.lost", {&lines, 1})) lost_ = 0;
  if (lost_ > 0 || !put(level, event, fields)) ++lost_;
}

}  // namespace deferd
