// The daemon: builds every part from a configuration, in order, and takes them down again.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/testing_clock.h"
#include "control/api.h"
#include "daemon/config.h"
#include "daemon/smtp_service.h"
#include "host/housekeeping.h"
#include "host/loader.h"
#include "host/pipeline.h"
#include "http/server.h"
#include "milter/milter_server.h"

namespace deferd {

/// Where plugins are installed, unless the configuration names other directories. Relative to the program when it runs from its
/// build folder.
std::vector<std::string> default_plugin_dirs();

/// What a worker has from its monitor, and what without one does as well.
struct Lent {
  std::vector<smtp::Bound> smtp;  ///< Sockets of listen.smtp.
  smtp::OpenTlsFile open_tls_file = smtp::open_tls_file;
  std::function<void()> reloaded = [] {};  ///< A new configuration is in force; any thread.
  Commands* commands = nullptr;            ///< That run programs; null: the worker does.
};

/// Used by the main thread; reload() and what the control socket calls are thread-safe.
class Daemon {
 public:
  /// Opens the store, makes the plugins, opens the sockets. Throws ConfigError and ErrorException. `testing_clock` is `clock`, or
  /// null.
  Daemon(std::string config_file, LoadedConfig loaded, const Clock& clock, TestingClock* testing_clock, LogWriter& log,
         Lent lent = {});
  ~Daemon();

  void start();  ///< Begins to answer.
  /// Lets the MTA's mail in progress end, for at most 10 s altogether, and clients that were handed over to the MTA, for
  /// `smtp.handover.drain`, or until `hurry`, asked ten times a second, says yes. False: a plugin hangs; leave by _exit(),
  /// destroying nothing. Programs that the worker runs itself are ended then.
  bool stop(const std::function<bool()>& hurry = {});

  /// Reads the file again and swaps, or keeps what runs and says why. Returns what to tell the operator.
  Result<std::string> reload();

  /// Programs that were started have ended (SIGCHLD).
  void reap();

 private:
  void open_engine();
  std::shared_ptr<Generation> make_plugins(const LoadedConfig& loaded);
  Operations operations(TestingClock* testing_clock);
  Value status();
  Value setup();
  std::vector<Value> plugins();
  std::vector<std::string> need_restart(const DaemonConfig& now) const;

  const std::string config_file_;
  const LoadedConfig started_with_;
  const Clock& clock_;
  LogWriter& log_;
  Lent lent_;
  std::mutex reload_mutex_;
  Guarded<ExemptConfig> exempt_;

  Metrics metrics_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<HostParts> parts_;
  std::unique_ptr<Loader> loader_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<Housekeeping> housekeeping_;
  std::unique_ptr<ControlApi> api_;
  std::unique_ptr<HttpServer> control_;
  std::unique_ptr<MilterServer> milter_;
  std::unique_ptr<SmtpService> smtp_;
};

/// `deferd -t`: everything that is wrong with a configuration, plugins' settings included, without starting anything.
void check_config(const std::string& config_file, Problems& problems);

}  // namespace deferd
