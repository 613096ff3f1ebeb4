#include "base/clock.h"

namespace deferd {

Time SystemClock::now() const { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

SteadyTime SystemClock::steady() const { return std::chrono::steady_clock::now(); }

}  // namespace deferd
