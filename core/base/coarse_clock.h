// The steady clock as it stood at the kernel's last tick: reading it costs a tenth, which counts where it is read for every call.
#pragma once
#include <time.h>

#include <chrono>

#include "deferd/time.h"

namespace deferd {

#if defined(CLOCK_MONOTONIC_COARSE)
inline constexpr clockid_t kCoarseClock = CLOCK_MONOTONIC_COARSE;  // Linux
#elif defined(CLOCK_MONOTONIC_FAST)
inline constexpr clockid_t kCoarseClock = CLOCK_MONOTONIC_FAST;  // FreeBSD
#else
inline constexpr clockid_t kCoarseClock = CLOCK_MONOTONIC;
#endif

/// At most coarse_clock_lag() behind std::chrono::steady_clock.
inline SteadyTime coarse_now() {
  timespec now{};
  ::clock_gettime(kCoarseClock, &now);
  return SteadyTime(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

inline std::chrono::nanoseconds coarse_clock_lag() { return std::chrono::milliseconds(10); }  // a tick, at 100 Hz

}  // namespace deferd
