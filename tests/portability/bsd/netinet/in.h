// glibc's, without what the BSDs lack, and with FreeBSD's IP_BINDANY of ip(4) and IPV6_BINDANY of ip6(4).
#ifndef DEFERD_PORTABILITY_NETINET_IN_H
#define DEFERD_PORTABILITY_NETINET_IN_H
#pragma GCC system_header
#include_next <netinet/in.h>

#undef IP_FREEBIND
#undef IP_TRANSPARENT
#if defined(__FreeBSD__)
#define IP_BINDANY 24
#define IPV6_BINDANY 64
#endif
#endif
