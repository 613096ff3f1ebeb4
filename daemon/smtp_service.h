// The SMTP front end as the configuration wants it: its sockets, its certificate, what its sessions go by.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "daemon/config.h"
#include "ops/metrics.h"
#include "smtp/handover.h"
#include "smtp/smtp_server.h"
#include "smtp/tls.h"

namespace deferd {

/// Owner's calls come from one thread at a time.
class SmtpService {
 public:
  struct Wiring {
    OpenDialogue open;  ///< Pipeline::open().
    const Clock& clock;
    Log& log;
    Metrics& metrics;
  };

  /// Settings that were found right, files of the certificate included.
  struct Prepared {
    std::shared_ptr<const smtp::SmtpConfig> config;
    std::shared_ptr<smtp::TlsContext> tls;  ///< Null: none is configured.
  };
  /// Errors: invalid, of the certificate; what() begins with the setting's name within `smtp.tls`.
  static Result<Prepared> prepare(const smtp::SmtpConfig& config, const smtp::OpenTlsFile& open = smtp::open_tls_file);

  /// Listens, serves nobody yet. `bound`: those of `listen` that are listened at already. Throws ErrorException: busy, invalid,
  /// io.
  SmtpService(const std::vector<smtp::SmtpAddress>& listen, Prepared prepared, Wiring wiring, std::vector<smtp::Bound> bound);

  void start();
  /// New connections go by it, as far as why_restart() is empty; a new certificate holds at once. Logs what is wrong with that.
  void apply(Prepared prepared);
  /// What of these settings takes effect only after a restart; empty if nothing.
  std::string why_restart(const std::vector<smtp::SmtpAddress>& listen, const smtp::SmtpConfig& config) const;
  std::vector<std::string> listening() const;     ///< With the real ports.
  Value setup() const;                            ///< A map: sockets, certificate, hand-over, as they are now.
  bool stop(const std::function<bool()>& hurry);  ///< SmtpServer::stop().

 private:
  struct Current {
    std::shared_ptr<smtp::TlsContext> tls;
    std::shared_ptr<const smtp::SessionRules> rules;
    std::shared_ptr<const smtp::MtaState> mta;  ///< What `rules` were made for.
  };
  void take(Prepared prepared);
  std::shared_ptr<const smtp::SessionRules> rules();

  const Wiring wiring_;
  Gauge& expires_;
  Guarded<Current> current_;
  smtp::HandoverService handover_;
  std::unique_ptr<smtp::SmtpServer> server_;
};

/// `deferd -t`: what is wrong with the certificate, and what of these settings would lose mail. `file` is where they stand.
void check_smtp(const DaemonConfig& config, const Value& file, std::chrono::sys_seconds now, Problems& problems);

}  // namespace deferd
