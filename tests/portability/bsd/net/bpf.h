// Stand-in for bpf(4): what libpcap's own copy leaves out. FreeBSD and OpenBSD have different numbers.
#pragma once
#pragma GCC system_header
#include <sys/time.h>
#include <sys/types.h>

#if defined(__FreeBSD__)
#define BIOCLOCK _IO('B', 122)
#else
#define BIOCLOCK _IO('B', 118)
#endif
