// glibc's, without the extensions that FreeBSD has, too, but OpenBSD has not.
#ifndef DEFERD_PORTABILITY_SPAWN_H
#define DEFERD_PORTABILITY_SPAWN_H
#pragma GCC system_header
#include_next <spawn.h>

#if defined(__OpenBSD__)
#pragma GCC poison posix_spawn_file_actions_addclosefrom_np posix_spawn_file_actions_addchdir_np
#endif
#endif
