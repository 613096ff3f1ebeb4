// glibc's, without what the BSDs lack, and with OpenBSD's SO_BINDANY of getsockopt(2).
#ifndef DEFERD_PORTABILITY_SYS_SOCKET_H
#define DEFERD_PORTABILITY_SYS_SOCKET_H
#pragma GCC system_header
#include_next <sys/socket.h>

#undef SO_PEERCRED
#undef MSG_MORE
#undef SCM_CREDENTIALS
#pragma GCC poison ucred MSG_MORE SCM_CREDENTIALS SO_BINDTODEVICE
#if defined(__OpenBSD__)
#define SO_BINDANY 0x1000
#endif
#endif
