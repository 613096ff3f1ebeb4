#include "ops/tuned_malloc.h"

#include <cstdlib>  // __GLIBC__

#if defined(__GLIBC__)
#include <malloc.h>

#include <algorithm>
#include <thread>
#endif

namespace deferd {

void tune_malloc() {
#if defined(M_ARENA_MAX)
  ::mallopt(M_ARENA_MAX, static_cast<int>(std::max(2u, std::thread::hardware_concurrency())));
  ::mallopt(M_MMAP_THRESHOLD, 1 << 20);  // unless it is set, it becomes as large as what was freed, up to 32 MiB
#endif
}

}  // namespace deferd
