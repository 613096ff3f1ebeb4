#include "ops/batch_scheduling.h"

#include <sched.h>

namespace deferd {

void schedule_as_batch() {
#if defined(SCHED_BATCH)
  const sched_param no_priority{};
  if (::sched_getscheduler(0) == SCHED_OTHER) static_cast<void>(::sched_setscheduler(0, SCHED_BATCH, &no_priority));
#endif
}

}  // namespace deferd
