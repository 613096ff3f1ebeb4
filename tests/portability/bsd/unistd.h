// glibc's, without what the BSDs lack and with what they have: getpeereid(3), unveil(2), pledge(2).
#ifndef DEFERD_PORTABILITY_UNISTD_H
#define DEFERD_PORTABILITY_UNISTD_H
#pragma GCC system_header
#include_next <unistd.h>

extern "C" int getpeereid(int, uid_t*, gid_t*);
#pragma GCC poison gettid syncfs
#if defined(__OpenBSD__)
extern "C" int unveil(const char* path, const char* permissions);
extern "C" int pledge(const char* promises, const char* execpromises);
#undef CLOSE_RANGE_CLOEXEC
#pragma GCC poison close_range
#endif
#endif
