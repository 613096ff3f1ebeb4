// What a process promises about itself and its parent.
#pragma once
#include <sys/types.h>

namespace deferd {

/// This process gets SIGTERM when its parent, the process `parent`, ends, where the system can do that (Linux, FreeBSD). A change
/// of user or group undoes it (prctl(2)), so call it afterwards. False: the parent has ended already.
bool end_with(pid_t parent);

/// No program started from here gains privileges by set-user-ID bits or file capabilities any more, where the system can do that
/// (Linux, FreeBSD 14).
void gain_no_privileges();

/// Every signal at its default, none blocked: for a child that is about to start another program.
void reset_signals();

}  // namespace deferd
