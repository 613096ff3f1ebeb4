// May code be loaded from here? Whoever could write to a plugin, or to any directory above it, would run as deferd.
#pragma once
#include <string>

#include "deferd/result.h"

namespace deferd {

/// Goes through every component of `path` from the root on, following symbolic links. Each must belong to root or to the user we
/// run as, and neither its group nor others may write to it. A sticky directory such as /tmp may be on the way, but is no place
/// for plugins itself. Errors: not_found, io, invalid; the message names the component at fault and the command that puts it
/// right.
Result<void> check_safe(const std::string& path);

}  // namespace deferd
