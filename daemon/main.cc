// deferd(8): reads the command line, starts the daemon, waits for signals.
#include <fmt/format.h>
#include <sys/stat.h>
#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "base/clock.h"
#include "control/testing_time.h"
#include "daemon/daemon.h"
#include "ops/daemonize.h"
#include "ops/fd_limit.h"
#include "ops/notify.h"
#include "ops/pid_file.h"
#include "ops/privileges.h"
#include "ops/signals.h"
#include "store/rocksdb_engine.h"

namespace deferd {
namespace {

struct Options {
  std::string config = DEFERD_CONFIG_FILE;
  bool test = false;
  bool daemon = false;
  std::string pid_file;
  bool check_store = false, repair_store = false;
  std::string restore;
  std::string testing_clock;
};

int test_config(const Options& options) {
  Problems problems;
  check_config(options.config, problems);
  std::cerr << problems.to_string(options.config);
  if (problems.failed()) return EX_CONFIG;
  std::cout << "ok\n";
  return 0;
}

/// The commands that work on a store no daemon has open.
int maintain(const Options& options, const DaemonConfig& config) {
  const auto& store = config.store;
  if (store.engine != StoreConfig::Kind::rocksdb) {
    std::cerr << "deferd: the store is not RocksDB: there is nothing to check, repair or restore\n";
    return EX_USAGE;
  }
  // What is written must be the daemon's own.
  if (options.testing_clock.empty()) drop_privileges(config.user, config.group);
  if (!options.restore.empty()) {
    or_throw(restore_rocksdb(options.restore, store.path));
    std::cout << "restored " << store.path << " from " << options.restore << "\n";
    return 0;
  }
  if (options.repair_store) {
    or_throw(repair_rocksdb(store.path));
    std::cout << "repaired " << store.path << "; now run: deferd --check-store -c " << options.config << "\n";
    return 0;
  }
  const auto report = or_throw(check_rocksdb(store.path));
  for (const auto& problem : report.problems) std::cerr << problem << "\n";
  fmt::print("{} records, {} table rows, {} events, {} decisions, {} problems\n", report.records, report.rows, report.events,
             report.decisions, report.problems.size());
  if (report.problems.empty()) return 0;
  std::cerr << "remedy: deferd --repair-store -c " << options.config << "\n";
  return EX_DATAERR;
}

int serve(const Options& options, const LoadedConfig& loaded) {
  if (options.daemon && loaded.config.log.to == "stderr")
    throw ErrorException({Errc::invalid, "with --daemon standard error is closed: set log: {to: syslog}, or a file"});
  std::optional<Background> background;
  if (options.daemon) background.emplace(Background::enter());
  std::optional<PidFile> pid_file;
  if (!options.pid_file.empty()) pid_file.emplace(options.pid_file);
  const auto& config = loaded.config;
  if (options.testing_clock.empty()) drop_privileges(config.user, config.group);  // a test stays who it is
  const auto limit = raise_fd_limit();
  SignalWaiter signals;
  Notifier notifier;

  SystemClock system_clock;
  std::optional<TestingClock> testing_clock;
  if (!options.testing_clock.empty()) testing_clock.emplace(or_throw(Codec<Time>::parse(options.testing_clock)));
  const Clock& clock = testing_clock ? static_cast<const Clock&>(*testing_clock) : system_clock;

  LogWriter log(config.log, clock);
  log.notice("deferd.starting", {{"version", DEFERD_VERSION}, {"config", options.config}, {"descriptors", limit.now}});
  try {
    Daemon daemon(options.config, loaded, clock, testing_clock ? &*testing_clock : nullptr, log);
    daemon.start();
    notifier.ready();
    if (background) background->ready();
    log.notice("deferd.ready", {});
    const auto alive_every = notifier.watchdog() ? std::chrono::duration_cast<std::chrono::milliseconds>(*notifier.watchdog() / 2)
                                                 : std::chrono::milliseconds(std::chrono::hours(1));
    for (bool serving = true; serving;) {
      const auto event = signals.wait_for(alive_every);
      notifier.alive();
      if (!event) continue;
      switch (*event) {
        case MainEvent::reload:
          notifier.reloading(system_clock.steady());
          daemon.reload();  // logged there
          notifier.ready();
          break;
        case MainEvent::terminate:
          serving = false;
      }
    }
    notifier.stopping();
    log.notice("deferd.stopping", {});
    const bool quiet = daemon.stop([&] {
      notifier.alive();
      return signals.wait_for(std::chrono::milliseconds(0)) == MainEvent::terminate;
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

int run(int argc, char** argv) {
  umask(027);
  Options options;
  CLI::App app{"deferd - greylisting daemon for Postfix and Sendmail"};
  app.set_version_flag("-V,--version", "deferd " DEFERD_VERSION);
  app.add_option("-c,--config", options.config, "configuration file")->capture_default_str();
  app.add_flag("-t,--test", options.test, "check the configuration, say `ok` or what is wrong, and exit (78 if wrong)");
  app.add_flag("-d,--daemon", options.daemon, "run in the background; the command returns when deferd is ready");
  app.add_option("--pid-file", options.pid_file, "write the process id there; a second deferd with the same file does not start");
  app.add_flag("--check-store", options.check_store, "read the whole store and tell what is damaged; deferd must not run");
  app.add_flag("--repair-store", options.repair_store, "save what can be saved of a damaged store; deferd must not run");
  app.add_option("--restore", options.restore, "make the store anew from a backup directory; the store must not exist");
  app.add_option("--testing-clock", options.testing_clock,
                 "for tests only: a clock that stands at TIME until it is moved; root stays root")
      ->type_name("TIME")
      ->group("Testing");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : EX_USAGE;
  }

  if (options.test) return test_config(options);
  Problems problems;
  const auto loaded = load_config(options.config, problems);
  std::cerr << problems.to_string(options.config);
  if (!loaded) return EX_CONFIG;
  if (options.check_store || options.repair_store || !options.restore.empty()) return maintain(options, loaded->config);
  return serve(options, *loaded);
}

}  // namespace
}  // namespace deferd

int main(int argc, char** argv) {
  std::string file;  // named in errors of the configuration
  for (int i = 1; i + 1 < argc; ++i)
    if (std::string_view(argv[i]) == "-c" || std::string_view(argv[i]) == "--config") file = argv[i + 1];
  try {
    return deferd::run(argc, argv);
  } catch (const deferd::ConfigError& error) {
    std::cerr << error.problems.to_string(file.empty() ? DEFERD_CONFIG_FILE : file);
    return EX_CONFIG;
  } catch (const deferd::ErrorException& error) {
    std::cerr << "deferd: " << error.what() << "\n";
    return error.code == deferd::Errc::invalid ? EX_CONFIG : EX_UNAVAILABLE;
  } catch (const std::exception& error) {
    std::cerr << "deferd: " << error.what() << "\n";
    return EX_SOFTWARE;
  }
}
