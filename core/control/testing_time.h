// The arguments of POST /v1/testing/clock.
#pragma once
#include <optional>

#include "deferd/schema.h"

namespace deferd {

/// `2026-11-20T11:10:38Z`, UTC only.
template <>
struct Codec<Time> {
  static std::string type() { return "time"; }
  static Result<Time> parse(std::string_view text);
  static std::string print(Time time) { return format_time(time); }
};

/// A number of seconds, which may be negative, or a duration such as 25m.
struct Shift {
  Duration seconds{};
};
template <>
struct Codec<Shift> {
  static std::string type() { return "seconds"; }
  static Result<Shift> parse(std::string_view text);
  static std::string print(Shift shift) { return std::to_string(shift.seconds.count()); }
};

/// One of the two.
struct TestingTime {
  std::optional<Shift> advance;
  std::optional<Time> set;
  static Schema<TestingTime> schema();
};

}  // namespace deferd
