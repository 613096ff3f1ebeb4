// When what has died is started again.
#pragma once
#include <chrono>

#include "deferd/time.h"

namespace deferd {

/// After one second, then after twice as long each time, at most a minute; after one second again once it has lived for a minute.
class Respawn {
 public:
  void started(SteadyTime now) { started_ = now; }
  /// It has ended: how long to wait.
  std::chrono::seconds ended(SteadyTime now);

 private:
  SteadyTime started_{};
  std::chrono::seconds next_{1};
};

}  // namespace deferd
