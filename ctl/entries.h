// The daemon's records, as entries.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "ctl/daemon.h"
#include "ctl/entry.h"

namespace deferd::ctl {

/// Seconds since 1970 by the daemon's clock.
Outcome<std::int64_t> daemon_time(const Daemon& daemon);

/// All of one kind, in the daemon's order; `take` returns false to stop. Without a plugin that has grey mail or traps there are
/// none.
Outcome<void> each_entry(const Daemon& daemon, Entry::Kind kind, const std::function<bool(const Entry&)>& take);

/// The one with exactly this key: a row of a table, or a trap address.
Outcome<std::optional<Entry>> find_entry(const Daemon& daemon, Entry::Kind kind, const std::string& key);

}  // namespace deferd::ctl
