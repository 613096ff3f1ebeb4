#include "daemon/respawn.h"

#include <algorithm>
#include <utility>

namespace deferd {
namespace {

constexpr std::chrono::seconds kShortest{1}, kLongestPause{60}, kLongLife{60};

}  // namespace

std::chrono::seconds Respawn::ended(SteadyTime now) {
  if (now - started_ >= kLongLife) next_ = kShortest;
  return std::exchange(next_, std::min(next_ * 2, kLongestPause));
}

}  // namespace deferd
