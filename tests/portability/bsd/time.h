// glibc's, with the clocks of clock_gettime(2) of the BSDs.
#ifndef DEFERD_PORTABILITY_TIME_H
#define DEFERD_PORTABILITY_TIME_H
#pragma GCC system_header
#include_next <time.h>

#undef CLOCK_MONOTONIC_COARSE
#undef CLOCK_REALTIME_COARSE
#if defined(__FreeBSD__)
#define CLOCK_MONOTONIC_FAST 12
#endif
#endif
