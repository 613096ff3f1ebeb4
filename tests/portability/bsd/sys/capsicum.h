// Stand-in for rights(4), cap_rights_limit(2), cap_ioctls_limit(2) of FreeBSD.
#pragma once
#pragma GCC system_header
#if !defined(__FreeBSD__)
#error "OpenBSD has no <sys/capsicum.h>"
#endif
#include <stddef.h>
#include <stdint.h>

#define CAP_RIGHTS_VERSION 0
#define CAP_IOCTL (1ULL << 58 | 0x80ULL)
#define cap_rights_init(...) __cap_rights_init(CAP_RIGHTS_VERSION, __VA_ARGS__, 0ULL)

typedef unsigned long cap_ioctl_t;
typedef struct cap_rights {
  uint64_t cr_rights[CAP_RIGHTS_VERSION + 2];
} cap_rights_t;

extern "C" cap_rights_t* __cap_rights_init(int version, cap_rights_t* rights, ...);
extern "C" int cap_rights_limit(int fd, const cap_rights_t* rights);
extern "C" int cap_ioctls_limit(int fd, const cap_ioctl_t* cmds, size_t ncmds);
