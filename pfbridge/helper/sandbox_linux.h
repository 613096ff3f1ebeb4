// What the sandbox's list of system calls looks like on other processors, for tests.
#pragma once
#include <cstdint>

#include "pfbridge/helper/sandbox.h"

namespace deferd::bridge {

/// Writes the list for processors of `architecture` (SCMP_ARCH_... of seccomp_arch_add(3)) to `file`, as pseudo code that names
/// the system calls (seccomp_export_pfc(3)). Returns what went wrong.
std::string print_filter(const Needs& needs, std::uint32_t architecture, int file);

}  // namespace deferd::bridge
