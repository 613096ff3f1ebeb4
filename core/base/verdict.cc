#include "deferd/verdict.h"

#include <algorithm>

namespace deferd {

void Pace::combine(const Pace& other) {
  // Of two stutters the slower one's end counts; of two as slow, the later end. 0 is no end.
  const auto later = [](auto a, auto b) {
    return a.count() == 0 || b.count() == 0 ? std::chrono::milliseconds{} : std::max(a, b);
  };
  if (other.per_byte > per_byte)
    during = other.during;
  else if (other.per_byte == per_byte && per_byte.count() != 0)
    during = later(during, other.during);
  per_byte = std::max(per_byte, other.per_byte);
  delay = std::max(delay, other.delay);
  hold = hold || other.hold;
}

std::string_view to_string(Action action) {
  switch (action) {
    case Action::pass:
      return "pass";
    case Action::accept:
      return "accept";
    case Action::defer:
      return "defer";
    case Action::reject:
      return "reject";
    case Action::close:
      return "close";
  }
  return "unknown";
}

std::string_view to_string(Stage stage) {
  switch (stage) {
    case Stage::connect:
      return "connect";
    case Stage::helo:
      return "helo";
    case Stage::mail:
      return "mail";
    case Stage::rcpt:
      return "rcpt";
    case Stage::data:
      return "data";
    case Stage::headers:
      return "headers";
  }
  return "unknown";
}

}  // namespace deferd
