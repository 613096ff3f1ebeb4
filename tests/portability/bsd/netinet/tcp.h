// glibc's, without what the BSDs lack: tcp(4).
#ifndef DEFERD_PORTABILITY_NETINET_TCP_H
#define DEFERD_PORTABILITY_NETINET_TCP_H
#pragma GCC system_header
#include_next <netinet/tcp.h>

#undef TCP_CORK
#undef TCP_DEFER_ACCEPT
#undef TCP_QUICKACK
#undef TCP_USER_TIMEOUT
#if defined(__OpenBSD__)
#undef TCP_KEEPIDLE
#undef TCP_KEEPINTVL
#undef TCP_KEEPCNT
#endif
#endif
