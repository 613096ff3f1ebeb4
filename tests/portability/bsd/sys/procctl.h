// Stand-in for procctl(2) of FreeBSD 14.
#pragma once
#pragma GCC system_header
#if !defined(__FreeBSD__)
#error "OpenBSD has no <sys/procctl.h>"
#endif
#include <sys/types.h>
#include <sys/wait.h>

#define PROC_PDEATHSIG_CTL 11
#define PROC_NO_NEW_PRIVS_CTL 19
#define PROC_NO_NEW_PRIVS_ENABLE 1

extern "C" int procctl(idtype_t, id_t, int, void*);
