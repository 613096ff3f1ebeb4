// What asks for glibc shall not find it.
#pragma GCC system_header
#include_next <features.h>
#undef __GLIBC__
