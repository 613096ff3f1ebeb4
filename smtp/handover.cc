#include "smtp/handover.h"

#include <atomic>
#include <mutex>
#include <utility>

#include "smtp/handover_books.h"
#include "smtp/handover_client.h"

namespace deferd::smtp {

namespace {

bool same_target(const HandoverConfig& a, const HandoverConfig& b) {
  return a.to == b.to && a.with == b.with && a.probe == b.probe;
}

}  // namespace

struct HandoverService::Impl {
  /// The MTA of the running configuration.
  struct Target {
    HandoverConfig config;
    std::string our_name;
    std::unique_ptr<MtaProbe> probe;
  };

  Impl(Log& given_log, Metrics& metrics, const MtaPatience& given_patience, const SpliceLimits& given_limits)
      : log(given_log), books(given_log, metrics), patience(given_patience), limits(given_limits) {}

  std::shared_ptr<Target> current() const {
    const std::lock_guard lock(mutex);
    return target;
  }

  /// The MTA for a client that comes now. The probe is not kept: it ends with its last holder.
  HandoverTarget for_client() const {
    const auto now = current();
    if (!now) return {.why_not = "no MTA is configured"};
    const auto mta = now->probe->state();
    return {now->probe->target(), now->config.with, now->our_name, mta->ready() ? "" : mta->why, most_led};
  }

  void doubt() const {
    if (const auto doubted = current()) doubted->probe->doubt();
  }

  Log& log;
  HandoverBooks books;
  const MtaPatience patience;
  const SpliceLimits limits;
  std::atomic<int> most_led{0};  // a reload changes it, and the MTA stays
  mutable std::mutex mutex;
  std::shared_ptr<Target> target;  // null: no hand-over
};

HandoverService::HandoverService(Log& log, Metrics& metrics, MtaPatience patience, SpliceLimits limits)
    : impl_(std::make_unique<Impl>(log, metrics, patience, limits)) {}

HandoverService::~HandoverService() = default;

void HandoverService::configure(const HandoverConfig& config, const std::string& our_name) {
  impl_->most_led = config.led;
  auto before = impl_->current();
  if (before && same_target(before->config, config) && before->our_name == our_name) return;
  std::shared_ptr<Impl::Target> next;
  if (!config.to.empty()) {
    next = std::make_shared<Impl::Target>();
    next->config = config;
    next->our_name = our_name;
  }
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->target.reset();
  }
  before.reset();
  impl_->books.ready(false);
  if (!next) return;
  next->probe = std::make_unique<MtaProbe>(config, our_name, impl_->log,
                                           [books = &impl_->books](const MtaState& state) { books->ready(state.ready()); });
  const std::lock_guard lock(impl_->mutex);
  impl_->target = std::move(next);
}

std::shared_ptr<const MtaState> HandoverService::mta() const {
  static const auto kNone = std::make_shared<const MtaState>();
  const auto target = impl_->current();
  return target ? target->probe->state() : kNone;
}

StartHandover HandoverService::starter() {
  return [impl = impl_.get()](HandoverOffer offer) {
    return std::make_unique<HandoverClient>(impl->books, impl->patience, impl->limits, impl->for_client(), std::move(offer),
                                            [impl] { impl->doubt(); });
  };
}

int HandoverService::open() const { return impl_->books.open(); }

}  // namespace deferd::smtp
