// The machine's clock: made once in main and handed to whoever needs the time.
#pragma once
#include "deferd/time.h"

namespace deferd {

/// Thread-safe.
class SystemClock final : public Clock {
 public:
  Time now() const override;
  SteadyTime steady() const override;
};

}  // namespace deferd
