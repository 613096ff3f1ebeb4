#pragma once

namespace deferd {

/// Call it before there are threads. glibc keeps what was freed in pools, up to eight for each processor, and threads that come
/// and go fill them all: as many pools as processors are as fast, and hold less. What is large (a MiB, as parts of block lists
/// are) stays out of the pools, where it would leave holes behind: it goes back to the system when it is freed. A pool that
/// shrinks by that much at once also stops those who read, for a millisecond (bench/lists_bench). Does nothing where malloc(3)
/// has no pools.
void tune_malloc();

}  // namespace deferd
