// deferd(8): reads the command line, starts the daemon, with a monitor if it is root.
#include <fmt/format.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <iostream>

#include "base/clock.h"
#include "daemon/command_runner.h"
#include "daemon/monitor.h"
#include "daemon/runner_commands.h"
#include "daemon/serve.h"
#include "ops/daemonize.h"
#include "ops/notify.h"
#include "ops/pid_file.h"
#include "ops/privileges.h"
#include "ops/process.h"
#include "smtp/redirected.h"
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
  bool monitor = false;
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

/// Runs `body`; its exit code, or that of what it throws, which standard error is told.
int reported(const std::string& config_file, const std::function<int()>& body) {
  try {
    return body();
  } catch (const ConfigError& error) {
    std::cerr << error.problems.to_string(config_file);
    return EX_CONFIG;
  } catch (const ErrorException& error) {
    std::cerr << "deferd: " << error.what() << "\n";
    return error.code == Errc::invalid ? EX_CONFIG : EX_UNAVAILABLE;
  } catch (const std::exception& error) {
    std::cerr << "deferd: " << error.what() << "\n";
    return EX_SOFTWARE;
  }
}

/// Whom root becomes.
struct Accounts {
  std::optional<Account> worker;    ///< Nullopt: it stays who it is.
  std::optional<Account> commands;  ///< Nullopt: the worker runs programs itself.
};

/// A worker's life.
int work(const Options& options, const Accounts& accounts, const LoadedConfig& loaded, MonitorLink& link,
         std::vector<smtp::Bound> bound, pid_t monitor) {
  if (!loaded.config.listen.smtp.empty()) smtp::open_redirections();  // while it may; what is wrong is logged later
  if (accounts.worker) become(*accounts.worker);
  gain_no_privileges();
  if (!end_with(monitor)) return EX_SOFTWARE;
  RunnerCommands commands([&link] { return link.next_channel(); });
  Lent lent{std::move(bound),
            [&link](smtp::TlsFile which, const std::string& path) {
              auto file = smtp::open_tls_file(which, path);
              return file || errno != EACCES ? std::move(file) : link.open(which);
            },
            [&link] { link.reloaded(); }, accounts.commands ? &commands : nullptr};
  return serve({options.config, options.testing_clock}, loaded, std::move(lent), link, link.gone().fd, [&options] {
    if (options.daemon) detach_from_terminal();
  });
}

/// The life of a process that runs commands.
int run_commands(const Options& options, const Account& account, Descriptor channel) {
  if (options.daemon) detach_from_terminal();
  become(account);
  gain_no_privileges();
  return CommandRunner(std::move(channel)).run();
}

int start(const Options& options, LoadedConfig loaded) {
  const auto& config = loaded.config;
  if (options.daemon && config.log.to == "stderr")
    throw ErrorException({Errc::invalid, "with --daemon standard error is closed: set log: {to: syslog}, or a file"});
  Accounts accounts;  // a test stays who it is
  if (geteuid() == 0 && options.testing_clock.empty()) {
    accounts.worker = find_account(config.user, config.group);
    accounts.commands = find_commands_account(config.commands, *accounts.worker);
  }
  std::optional<Background> background;
  if (options.daemon) background.emplace(Background::enter());
  std::optional<PidFile> pid_file;
  if (!options.pid_file.empty()) pid_file.emplace(options.pid_file);
  const auto ready = [&background] {
    if (background) background->ready();
  };
  Notifier notifier;
  if (!accounts.worker && !options.monitor)
    return serve({options.config, options.testing_clock}, loaded, {}, notifier, -1, ready);

  const SystemClock clock;
  const auto worker = [&](const LoadedConfig& now, MonitorLink& link, std::vector<smtp::Bound> bound, pid_t monitor) {
    return reported(options.config, [&] { return work(options, accounts, now, link, std::move(bound), monitor); });
  };
  RunnerProcess::Wiring runner;
  if (accounts.commands)
    runner = {accounts.commands->name, [&](Descriptor channel) {
                return reported(options.config, [&] { return run_commands(options, *accounts.commands, std::move(channel)); });
              }};
  return Monitor(options.config, std::move(loaded), {worker, ready, notifier, clock, accounts.worker, runner}).run();
}

int act(const Options& options) {
  if (options.test) return test_config(options);
  Problems problems;
  auto loaded = load_config(options.config, problems);
  std::cerr << problems.to_string(options.config);
  if (!loaded) return EX_CONFIG;
  if (options.check_store || options.repair_store || !options.restore.empty()) return maintain(options, loaded->config);
  return start(options, std::move(*loaded));
}

int run(int argc, char** argv) {
  umask(027);
  open_standard_streams();
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
  app.add_flag("--monitor", options.monitor, "for tests only: a monitor and a worker, though neither is root")->group("Testing");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : EX_USAGE;
  }

  return reported(options.config, [&options] { return act(options); });
}

}  // namespace
}  // namespace deferd

int main(int argc, char** argv) { return deferd::run(argc, argv); }
