// The daemon's log: one line an event, text or JSON, to stderr, a file or syslog; written in batches by a thread of its own.
//
//   rcpt.defer session=7641df9771b4ed00 client=192.0.2.7 from=a@example.org rcpt=b@example.net plugin=greylist reason="not
//   retried yet"
//
// Text: values that are empty or hold blanks, quotes, '=' or anything unprintable are quoted, with \" \\ and \xNN inside. In a
// file and on a terminal the line starts with time and level ("2026-11-20T11:10:38Z info rcpt.defer ..."); syslog notes those
// itself, and so does journald, which is given the level as "<6>" (sd-daemon(3)). JSON:
// {"time":"...","level":"info","event":"rcpt.defer","client":"192.0.2.7",...}, one object a line. Fields must not be called time,
// level or event. spamd: the lines of that program (spamd_line.h), and text where it has none.
//
// A line is on the sink within 50 ms, at once if there was none shortly before. What a sink refuses (full disk, closed pipe) is
// lost and counted, mail goes on.
#pragma once
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "deferd/host.h"
#include "deferd/schema.h"

namespace deferd {

struct LogConfig {
  enum class Format : std::uint8_t { text, json, spamd };
  std::string to = "stderr";  ///< "stderr", "syslog", or a file's path (opened anew by reconfigure()).
  Format format = Format::text;
  Level level = Level::info;
  std::string facility = "mail";  ///< syslog(3) only.
  std::string ident = "deferd";   ///< syslog(3) only.
  static Schema<LogConfig> schema();
};

template <>
struct Choices<LogConfig::Format> {
  static constexpr std::pair<std::string_view, LogConfig::Format> values[] = {
      {"text", LogConfig::Format::text}, {"json", LogConfig::Format::json}, {"spamd", LogConfig::Format::spamd}};
};
template <>
struct Choices<Level> {
  static constexpr std::pair<std::string_view, Level> values[] = {{"debug", Level::debug},
                                                                  {"info", Level::info},
                                                                  {"notice", Level::notice},
                                                                  {"warning", Level::warning},
                                                                  {"error", Level::error}};
};

/// Thread-safe. write() formats into a buffer and returns; when the sink is so slow that the buffer is full (4 MiB), lines are
/// dropped, counted, and the count is logged when it recovers ("log.lost lines=N"). Everything accepted is on the sink when the
/// destructor returns, unless nobody has read the other end for two seconds by then. Made after the process has become a daemon:
/// it has a thread.
class LogWriter : public Log {
 public:
  /// Throws ErrorException when a file cannot be opened.
  LogWriter(const LogConfig& config, const Clock& clock);
  ~LogWriter() override;

  bool enabled(Level level) const override;
  using Log::write;
  void write(Level level, std::string_view event, std::span<const Field> fields) override;

  std::uint64_t lost() const;                         ///< Lines dropped since the start.
  void flush();                                       ///< Waits until all that was written before is on the sink.
  Result<void> reconfigure(const LogConfig& config);  ///< Reload; keeps the old sink on error. Also reopens a file (rotation).

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// At most `burst` lines of one kind in `per`; the next line let through tells how many were left out. For noise strangers can
/// cause.
class RateLimit {
 public:
  RateLimit(const Clock& clock, int burst, std::chrono::seconds per) : clock_(clock), burst_(burst), per_(per) {}
  /// Nullopt: leave it out; else the number left out since the last.
  std::optional<std::uint64_t> admit();

 private:
  const Clock& clock_;
  int burst_;
  std::chrono::seconds per_;
  std::mutex mutex_;
  SteadyTime window_{};
  int used_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace deferd
