// glibc's; OpenBSD's is older and calls record types T_A and the like.
#ifndef DEFERD_PORTABILITY_ARPA_NAMESER_H
#define DEFERD_PORTABILITY_ARPA_NAMESER_H
#pragma GCC system_header
#include_next <arpa/nameser.h>

#if defined(__OpenBSD__)
#pragma GCC poison ns_c_in ns_t_a ns_t_aaaa ns_t_mx ns_t_ptr ns_t_txt
#endif
#endif
