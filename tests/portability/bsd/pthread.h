// glibc's; OpenBSD has pthread_set_name_np(3) instead.
#ifndef DEFERD_PORTABILITY_PTHREAD_H
#define DEFERD_PORTABILITY_PTHREAD_H
#pragma GCC system_header
#include_next <pthread.h>

#if defined(__OpenBSD__)
#pragma GCC poison pthread_setname_np pthread_getname_np
#endif
#endif
