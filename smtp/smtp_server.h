// The SMTP front end: listens where the packet filter sends strangers, and talks to them by way of dialogues with the pipeline.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ops/metrics.h"
#include "smtp/bound.h"
#include "smtp/smtp_session.h"

namespace deferd::smtp {

class Handover;
struct HandoverOffer;

/// Owner's calls come from one thread.
class SmtpServer {
 public:
  /// The functions are called from several threads at a time, `hand_over` on the thread of its connection.
  struct Wiring {
    OpenDialogue open;  ///< Pipeline::open().
    /// For each new connection; never null, with `config` (its `name` filled in).
    std::function<std::shared_ptr<const SessionRules>()> rules;
    std::function<std::shared_ptr<TlsContext>()> tls;  ///< The certificate at present; null: none.
    /// Only needed if rules() may say `handover` (handover_offer.h).
    std::function<std::unique_ptr<Handover>(HandoverOffer)> hand_over;
    const Clock& clock;  ///< steady() is the machine's: sockets wait in real time.
    Log& log;
    Metrics& metrics;
  };

  /// Listens, serves nobody yet (so that rights can be dropped in between). Addresses that this host does not have are listened
  /// at once they are there, if the system does not allow it before. `bound`: those of `listen` that are listened at already; one
  /// that was not there at the time, and may not be listened at by us when it is, is left out, and the log says so.
  /// Throws ErrorException: busy, invalid, io.
  SmtpServer(const std::vector<SmtpAddress>& listen, Wiring wiring, std::vector<Bound> bound = {});
  ~SmtpServer();  ///< stop().

  void start();

  /// What rules() gives has changed: limits are those of its configuration from now on.
  void configure();

  /// What of these settings takes effect only after a restart; empty if nothing.
  std::string why_restart(const std::vector<SmtpAddress>& listen, const SmtpConfig& config) const;

  /// Where it listens, with the real ports; addresses that are not there yet are missing.
  std::vector<std::string> listening() const;

  /// Accepts no more, says 421 to the clients, waits for those whose answer is being thought about (5 s), and for at most
  /// `handover.drain` for those that talk with the MTA; `hurry` is asked ten times a second whether to wait for them no longer.
  /// False: a plugin does not return, so nothing that `open` uses may be destroyed: leave by _exit().
  bool stop(const std::function<bool()>& hurry = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deferd::smtp
