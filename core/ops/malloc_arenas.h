#pragma once

namespace deferd {

/// Before there are threads: glibc keeps what was freed in pools, up to eight for each processor, and threads that come and go
/// fill them all. As many pools as processors are as fast, and hold less. What is large (a MiB, as parts of block lists are)
/// stays out of the pools, where it would leave holes behind: it goes back to the system when it is freed. Does nothing where
/// malloc(3) has no pools.
void limit_malloc_arenas();

}  // namespace deferd
