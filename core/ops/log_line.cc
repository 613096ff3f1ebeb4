#include "ops/log_line.h"

#include <syslog.h>

#include <charconv>

#include "base/escape.h"
#include "base/json_writer.h"
#include "ops/spamd_line.h"

namespace deferd {
namespace {

std::string_view name_of(Level level) {
  for (const auto& [name, value] : Choices<Level>::values)
    if (value == level) return name;
  return "info";
}

/// Most lines of one thread fall into the second of the one before.
const std::string& time_text(Time time) {
  thread_local Time last = Time::min();
  thread_local std::string text;
  if (time != last) {
    text = format_time(time);
    last = time;
  }
  return text;
}

void append_number(std::string& out, std::int64_t number) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

void append_text(std::string& out, std::string_view event, std::span<const Field> fields) {
  out += event;
  for (const auto& field : fields) {
    out += ' ';
    out += field.key;
    out += '=';
    if (field.is_number)
      append_number(out, field.number);
    else
      append_log_value(out, field.text);
  }
}

void append_json(std::string& out, Time time, Level level, std::string_view event, std::span<const Field> fields) {
  JsonWriter json(out);
  json.begin_object();
  json.key("time").text(time_text(time));
  json.key("level").text(name_of(level));
  json.key("event").text(event, kLongestLogValue);
  for (const auto& field : fields) {
    json.key(field.key);
    if (field.is_number)
      json.integer(field.number);
    else
      json.text(field.text, kLongestLogValue);
  }
  json.end_object();
}

}  // namespace

int priority_of(Level level) {
  switch (level) {
    case Level::debug:
      return LOG_DEBUG;
    case Level::info:
      return LOG_INFO;
    case Level::notice:
      return LOG_NOTICE;
    case Level::warning:
      return LOG_WARNING;
    case Level::error:
      return LOG_ERR;
  }
  return LOG_INFO;
}

void append_line(std::string& out, LineShape shape, Time time, Level level, std::string_view event,
                 std::span<const Field> fields) {
  if (shape.prefix == LinePrefix::priority) {
    out += '<';
    out += static_cast<char>('0' + priority_of(level));
    out += '>';
  }
  if (shape.format == LogConfig::Format::json) {
    append_json(out, time, level, event, fields);
  } else {
    if (shape.prefix == LinePrefix::time) {
      out += time_text(time);
      out += ' ';
      out += name_of(level);
      out += ' ';
    }
    if (shape.format != LogConfig::Format::spamd || !append_spamd_line(out, event, fields)) append_text(out, event, fields);
  }
  out += '\n';
}

}  // namespace deferd
