// The daemon from its start to its end: all that deferd is, or its worker where there is a monitor.
#pragma once
#include <functional>
#include <string>

#include "daemon/daemon.h"
#include "ops/notify.h"

namespace deferd {

struct ServeOptions {
  std::string config_file;
  std::string testing_clock;  ///< When a clock that is moved by hand starts; empty: the machine's clock.
};

/// Serves until a signal says otherwise, or `parent` becomes readable: the monitor is gone; -1: there is none. `started` is
/// called when everything is open and serves, before `progress` hears of it. Returns the exit code. Leaves by _exit() when a
/// plugin hangs at the end. Throws as Daemon does.
int serve(const ServeOptions& options, const LoadedConfig& loaded, Lent lent, Progress& progress, int parent,
          const std::function<void()>& started);

}  // namespace deferd
