// Hand-over: a client that has passed reaches the real MTA, within the session it passed in.
//
// The MTA is told who the client is (PROXY header or XCLIENT), hears its EHLO, MAIL and RCPT again, and answers the recipient
// itself. A client that is white is then joined with it, and we only carry bytes and watch what becomes of its messages. Of
// anybody else the session goes on asking about each recipient, and the MTA hears only what passes. We never accept mail: what
// the client hears of its recipients and its message is the MTA's word, and 451 if the MTA fails. What the client had sent ahead
// follows in order.
#pragma once
#include <memory>
#include <string>

#include "deferd/host.h"
#include "ops/metrics.h"
#include "smtp/handover_limits.h"
#include "smtp/handover_offer.h"
#include "smtp/mta_probe.h"

namespace deferd::smtp {

/// One a front end. Thread-safe; outlives the I/O threads and all sessions handed over.
class HandoverService {
 public:
  HandoverService(Log& log, Metrics& metrics, MtaPatience patience = {}, SpliceLimits limits = {});
  ~HandoverService();

  /// Begins to probe the MTA, or another one, or none (`to` is empty). Sessions already handed over stay where they are.
  void configure(const HandoverConfig& config, const std::string& our_name);

  /// Of the MTA: what sessions may offer. Changes with every probe; never null.
  std::shared_ptr<const MtaState> mta() const;

  /// Begins one client's hand-over (handover_offer.h), on the client's I/O thread. Fails, later, if the MTA is not ready.
  StartHandover starter();

  int open() const;  ///< Sessions handed over, or on their way.

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace deferd::smtp
