#include "smtp/front_end.h"

#include <sys/resource.h>

#include <algorithm>

namespace deferd::smtp {

namespace {

constexpr rlim_t kOtherDescriptors = 200;  // those of the store, the log, the control socket, joined clients' MTA
constexpr int kNoise = 5;                  // log lines of one kind a minute
constexpr std::chrono::seconds kNoiseTime{60};

Gauge& gauge(Metrics& metrics, std::string_view name, std::string_view help) { return metrics.gauge(name, {}, help); }

Counter& refusals(Metrics& metrics, std::string_view reason) {
  return metrics.counter("deferd_smtp_refused_total", {{"reason", reason}}, "Clients told 421 because there are too many.");
}

}  // namespace

FrontEnd::FrontEnd(SmtpServer::Wiring its_wiring, unsigned lanes)
    : wiring(std::move(its_wiring)),
      admission(limits_of(*wiring.rules()->config), lanes),
      workers(static_cast<unsigned>(wiring.rules()->config->workers)),
      connections(gauge(wiring.metrics, "deferd_smtp_connections", "Clients connected to the SMTP front end.")),
      held(gauge(wiring.metrics, "deferd_smtp_held", "Of these, turned away and kept busy.")),
      slowed(gauge(wiring.metrics, "deferd_tarpit_waiting", "Clients that are being told something slowly.")),
      stuttered_bytes(wiring.metrics.counter("deferd_smtp_stuttered_bytes_total", {}, "Bytes sent one by one.")),
      released(wiring.metrics.counter("deferd_smtp_released_total", {}, "Held clients sent away to make room.")),
      accept_failures(wiring.clock, kNoise, kNoiseTime),
      total_{refusals(wiring.metrics, "total"), {wiring.clock, kNoise, kNoiseTime}},
      prefix_{refusals(wiring.metrics, "prefix"), {wiring.clock, kNoise, kNoiseTime}},
      rate_{refusals(wiring.metrics, "rate"), {wiring.clock, kNoise, kNoiseTime}} {}

AdmissionLimits FrontEnd::limits_of(const SmtpConfig& config) {
  const auto& limits = config.limits;
  AdmissionLimits result;
  result.total = limits.total;
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) == 0 && descriptors.rlim_cur != RLIM_INFINITY) {
    const auto others = kOtherDescriptors + (config.handover.to.empty() ? 0 : static_cast<rlim_t>(config.handover.led));
    const auto ours = descriptors.rlim_cur > others ? descriptors.rlim_cur - others : 1;
    result.total = static_cast<int>(std::min<rlim_t>(static_cast<rlim_t>(result.total), ours));
  }
  result.kept = std::min(limits.kept, result.total);
  result.per_prefix = limits.per_prefix;
  result.new_per_prefix = limits.new_per_prefix;
  result.tls = limits.tls;
  return result;
}

void FrontEnd::configure() { admission.configure(limits_of(*wiring.rules()->config)); }

void FrontEnd::refused(Admission::Refusal why, const Address& client) {
  auto& kind = why == Admission::Refusal::total ? total_ : why == Admission::Refusal::prefix ? prefix_ : rate_;
  kind.counter.add();
  const auto left_out = kind.noise.admit();
  if (!left_out) return;
  const auto* reason = why == Admission::Refusal::total    ? "too many connections"
                       : why == Admission::Refusal::prefix ? "too many connections of its network"
                                                           : "its network connects too often";
  wiring.log.notice("smtp.refused", {{"client", client}, {"reason", reason}, {"left_out", *left_out}});
}

}  // namespace deferd::smtp
