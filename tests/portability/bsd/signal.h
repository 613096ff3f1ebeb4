// glibc's, without what OpenBSD lacks: sigwait(2) is all it has.
#ifndef DEFERD_PORTABILITY_SIGNAL_H
#define DEFERD_PORTABILITY_SIGNAL_H
#pragma GCC system_header
#include_next <signal.h>

#if defined(__OpenBSD__)
#undef SIGRTMIN
#undef SIGRTMAX
#pragma GCC poison sigtimedwait sigwaitinfo sigqueue
#endif
#endif
