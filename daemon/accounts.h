// Users and groups that a configuration names.
#pragma once
#include "daemon/config.h"

namespace deferd {

/// What a start would find wrong with them, whoever asks: they do not exist, or are root where that must not be. `file` is what
/// `config` was read from. Not thread-safe, as getpwnam(3).
void check_accounts(const DaemonConfig& config, const Value& file, Problems& problems);

}  // namespace deferd
