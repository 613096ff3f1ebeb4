// Hand-over: a client that has passed is given to the real MTA, within the session it passed in.
//
// The MTA is told who the client is (PROXY header or XCLIENT), hears its EHLO, MAIL and RCPT again, and answers the recipient
// itself; from then on client and MTA are joined, and we only carry bytes. We never accept mail: as long as the MTA has not
// answered, the client has heard nothing, and hears 451 if the MTA fails. What the client had sent ahead follows in order.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "deferd/host.h"
#include "ops/metrics.h"
#include "smtp/handover_limits.h"
#include "smtp/mta_probe.h"

namespace deferd::smtp {

class Handover;
struct HandoverOffer;

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
  std::function<std::unique_ptr<Handover>(HandoverOffer)> starter();

  int open() const;  ///< Sessions handed over, or on their way.

 private:
  struct Impl;
  class Client;
  std::unique_ptr<Impl> impl_;
};

}  // namespace deferd::smtp
