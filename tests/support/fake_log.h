// A log that remembers what was written.
#pragma once
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/host.h"

namespace deferd {

/// Takes every level. Thread-safe.
class FakeLog : public Log {
 public:
  bool enabled(Level) const override { return true; }
  using Log::write;
  void write(Level level, std::string_view event, std::span<const Field> fields) override;

  /// One line each, `warning greylist.quota client=192.0.2.7 count=3`; values as they were given, not quoted.
  std::vector<std::string> lines() const;
  /// Whether any line holds `part`.
  bool contains(std::string_view part) const { return count(part) > 0; }
  /// How many lines hold `part`.
  std::size_t count(std::string_view part) const;
  void clear();

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

}  // namespace deferd
