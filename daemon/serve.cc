#include "daemon/serve.h"

#include <cstdlib>
#include <optional>

#include "base/clock.h"
#include "control/testing_time.h"
#include "ops/batch_scheduling.h"
#include "ops/fd_limit.h"
#include "ops/signals.h"
#include "ops/tuned_malloc.h"

namespace deferd {

int serve(const ServeOptions& options, const LoadedConfig& loaded, Lent lent, Progress& progress, int parent,
          const std::function<void()>& started) {
  const auto& config = loaded.config;
  schedule_as_batch();
  tune_malloc();
  const auto limit = raise_fd_limit();
  SignalWaiter signals(SignalWaiter::Children::told);  // plugins' programs
  pollfd gone{parent, POLLIN, 0};
  const auto wait_for = [&](std::chrono::milliseconds time) { return signals.wait_for(time, {&gone, 1}); };

  SystemClock system_clock;
  std::optional<TestingClock> testing_clock;
  if (!options.testing_clock.empty()) testing_clock.emplace(or_throw(Codec<Time>::parse(options.testing_clock)));
  const Clock& clock = testing_clock ? static_cast<const Clock&>(*testing_clock) : system_clock;

  LogWriter log(config.log, clock);
  log.notice("deferd.starting", {{"version", DEFERD_VERSION}, {"config", options.config_file}, {"descriptors", limit.now}});
  if (parent < 0 && !config.helpers.empty())
    log.warning("deferd.without_helpers", {{"what", "helpers are started only where root starts deferd"}});
  if (parent < 0 && !config.commands.user.empty())
    log.warning("deferd.commands_as_ourselves", {{"what", "commands.user counts only where root starts deferd"}});
  try {
    Daemon daemon(options.config_file, loaded, clock, testing_clock ? &*testing_clock : nullptr, log, std::move(lent));
    daemon.start();
    started();
    progress.ready();
    log.notice("deferd.ready", {});
    const auto alive_every = progress.watchdog() ? std::chrono::duration_cast<std::chrono::milliseconds>(*progress.watchdog() / 2)
                                                 : std::chrono::milliseconds(std::chrono::hours(1));
    for (bool serving = true; serving;) {
      const auto event = wait_for(alive_every);
      progress.alive();
      if (gone.revents != 0) {
        log.error("deferd.orphaned", {{"what", "the monitor has ended"}});
        serving = false;
      } else if (event == MainEvent::reload) {
        progress.reloading(system_clock.steady());
        daemon.reload();  // logged there
        progress.ready();
      } else if (event == MainEvent::terminate) {
        serving = false;
      } else if (event == MainEvent::child) {
        daemon.reap();
      }
    }
    progress.stopping();
    log.notice("deferd.stopping", {});
    const bool quiet = daemon.stop([&] {
      progress.alive();
      return wait_for(std::chrono::milliseconds(0)) == MainEvent::terminate || gone.revents != 0;
    });
    log.notice("deferd.stopped", {});
    if (!quiet) {
      log.flush();
      std::_Exit(0);
    }
    return 0;
  } catch (const std::exception& error) {
    if (config.log.to != "stderr") log.error("deferd.failed", {{"what", error.what()}});  // else main() tells it
    throw;
  }
}

}  // namespace deferd
