#include "fake_log.h"

#include <algorithm>

namespace deferd {
namespace {

std::string_view name_of(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::notice:
      return "notice";
    case Level::warning:
      return "warning";
    case Level::error:
      return "error";
  }
  return "?";
}

}  // namespace

void FakeLog::write(Level level, std::string_view event, std::span<const Field> fields) {
  std::string line = std::string(name_of(level)) + " " + std::string(event);
  for (const auto& field : fields) {
    line += " " + std::string(field.key) + "=";
    line += field.is_number ? std::to_string(field.number) : field.text;
  }
  const std::lock_guard lock(mutex_);
  lines_.push_back(std::move(line));
}

std::vector<std::string> FakeLog::lines() const {
  const std::lock_guard lock(mutex_);
  return lines_;
}

std::size_t FakeLog::count(std::string_view part) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(
      lines_.begin(), lines_.end(), [part](const std::string& line) { return line.find(part) != std::string::npos; }));
}

void FakeLog::clear() {
  const std::lock_guard lock(mutex_);
  lines_.clear();
}

}  // namespace deferd
