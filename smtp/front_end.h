// What all threads of the SMTP front end share.
#pragma once
#include <array>
#include <atomic>
#include <functional>
#include <memory>

#include "base/guarded.h"
#include "ops/log_writer.h"
#include "smtp/admission.h"
#include "smtp/handover_offer.h"
#include "smtp/smtp_server.h"
#include "smtp/worker_pool.h"

namespace deferd::smtp {

/// A gauge that goes up and down by steps. Thread-safe.
class Level {
 public:
  explicit Level(Gauge& gauge) : gauge_(gauge) {}
  void add(int change) {
    auto value = value_.lock();
    *value += change;
    gauge_.set(*value);
  }

 private:
  Gauge& gauge_;
  Guarded<std::int64_t> value_;
};

/// Thread-safe. Lives longer than the threads.
struct FrontEnd {
  FrontEnd(SmtpServer::Wiring its_wiring, unsigned lanes);

  void configure();  ///< Limits from wiring.rules().

  /// Somebody who came or stays is refused.
  void refused(Admission::Refusal why, const Address& client);
  /// What there are clients sent away for: descriptors, too, have an end.
  static AdmissionLimits limits_of(const SmtpConfig& config);

  const SmtpServer::Wiring wiring;
  Admission admission;
  WorkerPool workers;
  std::function<void(unsigned lane)> release;  ///< Has that lane's thread look for guests that must leave. Set once.

  Level connections, held, slowed;
  std::atomic<int> with_mta{0};  ///< Hand-overs under way.
  Counter& stuttered_bytes;
  Counter& released;
  RateLimit accept_failures;

 private:
  struct Refusals {
    Counter& counter;
    RateLimit noise;
  };
  Refusals total_, prefix_, rate_;
};

}  // namespace deferd::smtp
