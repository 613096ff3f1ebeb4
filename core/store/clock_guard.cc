#include "store/clock_guard.h"

namespace deferd::store {
namespace {

constexpr auto kImplausible = std::chrono::hours{24};
constexpr auto kBelieved = std::chrono::hours{1};
constexpr auto kUneven = std::chrono::minutes{5};

Duration whole(SteadyTime::duration duration) { return std::chrono::duration_cast<Duration>(duration); }

}  // namespace

ClockGuard::Change ClockGuard::check(Time now, SteadyTime steady) {
  const bool plausible = !expected_ || now <= *expected_ + whole(steady - at_) + kImplausible;
  if (held_since_) {
    const Duration gone = whole(steady - *held_since_);
    const Duration uneven = now - (held_from_ + gone);
    if (!plausible && uneven < kUneven && uneven > -kUneven && gone < kBelieved) return Change::none;
    if (!plausible && (uneven >= kUneven || uneven <= -kUneven)) {  // it jumped again: the hour starts anew
      held_since_ = steady;
      held_from_ = now;
      return Change::none;
    }
    held_since_.reset();
    expected_ = now;
    at_ = steady;
    return Change::released;
  }
  if (!plausible) {
    held_since_ = steady;
    held_from_ = now;
    return Change::held;
  }
  expected_ = now;
  at_ = steady;
  return Change::none;
}

}  // namespace deferd::store
