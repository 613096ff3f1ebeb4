#include "smtp/handover.h"

#include <boost/asio/post.hpp>
#include <chrono>
#include <mutex>
#include <utility>

#include "smtp/handover_offer.h"
#include "smtp/mta_call.h"
#include "smtp/splice.h"

namespace deferd::smtp {

namespace {

constexpr std::size_t kLongestLogged = 200;

bool same_target(const HandoverConfig& a, const HandoverConfig& b) {
  return a.to == b.to && a.with == b.with && a.probe == b.probe;
}

MtaScript script_of(const HandoverOffer& offer, HandoverConfig::With with, const std::string& our_name) {
  MtaScript script;
  script.with = with;
  script.our_name = our_name;
  script.client = offer.session.client;
  script.client_port = offer.session.client_port;
  script.client_name = offer.session.client_name;
  script.local = offer.session.local;
  script.local_port = offer.session.local_port;
  script.envelope = offer.envelope;
  return script;
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
      : log(given_log), patience(given_patience), limits(given_limits) {
    const auto result = [&](std::string_view value) -> Counter& {
      return metrics.counter("deferd_handover_total", {{"result", value}},
                             "Recipients whose client was handed over to the MTA, by what it answered.");
    };
    accepted = &result("accepted");
    deferred = &result("deferred");
    rejected = &result("rejected");
    unavailable = &result("unavailable");
    open_gauge = &metrics.gauge("deferd_handover_open", {}, "Clients that the MTA serves through us at present.");
    ready_gauge = &metrics.gauge("deferd_handover_ready", {}, "1: the last probe of the MTA was good; 0: nobody is handed over.");
  }

  std::shared_ptr<Target> current() const {
    const std::lock_guard lock(mutex);
    return target;
  }

  void doubt() const {
    if (const auto doubted = current()) doubted->probe->doubt();
  }

  void count_open(int change) {
    const std::lock_guard lock(mutex);
    open += change;
    open_gauge->set(open);
  }

  void note(const Address& client, std::string_view result, Counter& counter, std::string_view mta_reply) {
    counter.add();
    log.info("smtp.handover", {{"client", client}, {"result", result}, {"mta_reply", mta_reply.substr(0, kLongestLogged)}});
  }

  /// "smtp.handover" for what the MTA said of the recipient.
  void note(const Address& client, const MtaResult& result) {
    if (!result.answered()) return note(client, "unavailable", *unavailable, result.why());
    if (result.code / 100 == 2) return note(client, "accepted", *accepted, result.why());
    if (result.code / 100 == 4) return note(client, "deferred", *deferred, result.why());
    note(client, "rejected", *rejected, result.why());
  }

  Log& log;
  const MtaPatience patience;
  const SpliceLimits limits;
  Counter *accepted = nullptr, *deferred = nullptr, *rejected = nullptr, *unavailable = nullptr;
  Gauge *open_gauge = nullptr, *ready_gauge = nullptr;
  mutable std::mutex mutex;
  std::shared_ptr<Target> target;  // null: no hand-over
  int open = 0;
};

/// One client's way to the MTA: first a call, then a splice.
class HandoverService::Client final : public Handover {
 public:
  Client(Impl& service, HandoverOffer offer) : service_(service), offer_(std::move(offer)), client_(offer_.session.client) {
    service_.count_open(1);
    const auto target = service_.current();  // not kept: with the last holder its probe ends
    const auto mta = target ? target->probe->state() : nullptr;
    if (mta && mta->ready())
      call(*target);
    else
      fail_later(mta ? mta->why : "no MTA is configured");
  }

  ~Client() override {
    if (call_) call_->cancel();
    if (splice_) {
      splice_->stop();
      note_end("stopped");
    }
    service_.count_open(-1);
  }

 private:
  void call(const Impl::Target& target) {
    call_ = MtaCall::start(offer_.context, target.probe->target(), script_of(offer_, target.config.with, target.our_name),
                           service_.patience,
                           [this](const MtaResult& result, MtaCall::Socket socket) { called(result, std::move(socket)); });
  }

  void fail_later(std::string why) {
    boost::asio::post(offer_.context, [this, here = std::weak_ptr<int>(here_), why = std::move(why)] {
      if (here.expired()) return;
      service_.note(client_, "unavailable", *service_.unavailable, why);
      fail();
    });
  }

  void fail() {
    const auto failed = std::move(offer_.failed);
    failed();  // may destroy us
  }

  void called(const MtaResult& result, MtaCall::Socket socket) {
    call_.reset();
    service_.note(client_, result);
    if (!result.answered()) {
      const bool of_the_message = result.outcome == MtaResult::Outcome::refused && result.stage == MtaStage::mail;
      if (!of_the_message) service_.doubt();
      return fail();
    }
    began_ = std::chrono::steady_clock::now();
    splice_ = Splice::start(
        offer_.context, SpliceEnds{offer_.socket, offer_.transport, socket.release(), result.reply, std::string(offer_.unread)},
        service_.limits, [this](const Splice::Total& total) {
          note_end(total.end);
          splice_.reset();
          const auto over = std::move(offer_.over);
          over();  // may destroy us
        });
  }

  void note_end(std::string_view end) {
    const auto& total = splice_->total();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began_).count();
    service_.log.info("smtp.handover_ended", {{"client", client_},
                                              {"seconds", static_cast<std::int64_t>(seconds)},
                                              {"to_mta", total.to_mta},
                                              {"to_client", total.to_client},
                                              {"end", end}});
  }

  Impl& service_;
  HandoverOffer offer_;
  const Address client_;
  const std::shared_ptr<int> here_ = std::make_shared<int>();
  std::shared_ptr<MtaCall> call_;
  std::shared_ptr<Splice> splice_;
  std::chrono::steady_clock::time_point began_;
};

HandoverService::HandoverService(Log& log, Metrics& metrics, MtaPatience patience, SpliceLimits limits)
    : impl_(std::make_unique<Impl>(log, metrics, patience, limits)) {}

HandoverService::~HandoverService() = default;

void HandoverService::configure(const HandoverConfig& config, const std::string& our_name) {
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
  impl_->ready_gauge->set(0);
  if (!next) return;
  next->probe = std::make_unique<MtaProbe>(
      config, our_name, impl_->log, [gauge = impl_->ready_gauge](const MtaState& state) { gauge->set(state.ready() ? 1 : 0); });
  const std::lock_guard lock(impl_->mutex);
  impl_->target = std::move(next);
}

std::shared_ptr<const MtaState> HandoverService::mta() const {
  static const auto kNone = std::make_shared<const MtaState>();
  const auto target = impl_->current();
  return target ? target->probe->state() : kNone;
}

std::function<std::unique_ptr<Handover>(HandoverOffer)> HandoverService::starter() {
  return [impl = impl_.get()](HandoverOffer offer) { return std::make_unique<Client>(*impl, std::move(offer)); };
}

int HandoverService::open() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->open;
}

}  // namespace deferd::smtp
