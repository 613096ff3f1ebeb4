// glibc's, without what the BSDs lack.
#ifndef DEFERD_PORTABILITY_FCNTL_H
#define DEFERD_PORTABILITY_FCNTL_H
#pragma GCC system_header
#include_next <fcntl.h>

#undef O_TMPFILE
#pragma GCC poison O_TMPFILE fallocate
#if defined(__OpenBSD__)
#undef O_PATH
#pragma GCC poison O_PATH posix_fallocate posix_fadvise
#endif
#endif
