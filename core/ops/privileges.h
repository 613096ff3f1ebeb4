// Who the daemon runs as.
#pragma once
#include <sys/types.h>

#include <string>

#include "deferd/result.h"

namespace deferd {

/// Started as root: becomes `user` with its supplementary groups and `group` (empty: the user's own) for good, and checks that
/// there is no way back; true. Started as anybody else: nothing to do; false.
/// Call it before any thread exists. Throws ErrorException: root without `user`, no such account, or one that is root again.
bool drop_privileges(const std::string& user, const std::string& group);

/// The name of an account for messages; "uid 1000" if it has none. Any thread.
std::string user_name(uid_t uid);

}  // namespace deferd
