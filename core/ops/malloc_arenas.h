#pragma once

namespace deferd {

/// Before there are threads: glibc keeps what was freed in pools, up to eight for each processor, and threads that come and go
/// fill them all. As many pools as processors are as fast, and hold less. Does nothing where malloc(3) has none.
void limit_malloc_arenas();

}  // namespace deferd
