#pragma once

namespace deferd {

/// Call it before there are threads: they inherit it, as programs do that are run. A thread that wakes up then waits until who is
/// at work rests or has had its share, instead of interrupting (SCHED_BATCH, sched(7)): mail can wait for a millisecond, and the
/// more has come meanwhile, the less each costs (bench/README.md). A policy that somebody else has chosen stays. Does nothing
/// where there is no such policy.
void schedule_as_batch();

}  // namespace deferd
