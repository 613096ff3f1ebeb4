#include "smtp/mta_probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "ops/signals.h"
#include "smtp/mta_call.h"

namespace deferd::smtp {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kWhileOff{5'000}, kAtMostEvery{1'000}, kListenFirst{500};

constexpr std::string_view kOffered[] = {"SIZE", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES"};

std::string upper_keyword(std::string_view extension) {
  std::string keyword(extension.substr(0, extension.find(' ')));
  for (char& c : keyword)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return keyword;
}

std::string remedy(HandoverConfig::With with) {
  if (with == HandoverConfig::With::proxy_v2)
    return "Postfix: give deferd an smtpd of its own in master.cf, with -o smtpd_upstream_proxy_protocol=haproxy, and let "
           "mynetworks hold your own networks alone";
  return "Postfix: name the address that deferd connects from in smtpd_authorized_xclient_hosts, no others, and let mynetworks "
         "hold your own networks alone";
}

std::string_view to_string(HandoverConfig::With with) {
  return with == HandoverConfig::With::proxy_v2 ? "PROXY header" : "XCLIENT command";
}

}  // namespace

MtaScript probe_script(HandoverConfig::With with, const std::string& our_name) {
  MtaScript script;
  script.with = with;
  script.our_name = our_name;
  script.client = Address::v4(0xC0000219);  // 192.0.2.25
  script.client_port = 25'000;
  script.local = Address::v4(0xC0000201);
  script.local_port = 25;
  script.envelope = {true, our_name, "MAIL FROM:<>", "RCPT TO:<probe@relay-test.invalid>"};
  return script;
}

MtaState judge(const MtaResult& result, HandoverConfig::With with) {
  using Outcome = MtaResult::Outcome;
  const auto unsafe = [&](std::string why) { return MtaState{MtaState::Kind::unsafe, {}, std::move(why), remedy(with)}; };
  const bool proxied = with == HandoverConfig::With::proxy_v2;
  const bool at_greeting = result.stage <= MtaStage::ehlo;
  switch (result.outcome) {
    case Outcome::answered:
      break;
    case Outcome::no_xclient:
      return unsafe(result.why());
    case Outcome::out_of_step:
      return unsafe(proxied && at_greeting ? "it takes the PROXY header for commands: " + result.why() : result.why());
    case Outcome::refused:
      if (result.code / 100 == 5 && at_greeting && result.stage != MtaStage::banner)
        return unsafe(fmt::format("it does not honour the {}: {}", to_string(with), result.why()));
      return {MtaState::Kind::down, {}, result.why(), {}};
    case Outcome::ended:
    case Outcome::late:
      return {MtaState::Kind::down, {}, result.why(), {}};
  }
  if (result.stage != MtaStage::rcpt) return {MtaState::Kind::down, {}, "it refuses the null sender: " + result.why(), {}};
  if (result.code / 100 == 2)
    return unsafe("it would relay for strangers: a client at 192.0.2.25 may send to relay-test.invalid: " + result.why());
  MtaState state{MtaState::Kind::ready, {}, {}, {}};
  for (const auto& extension : result.extensions) {
    const auto keyword = upper_keyword(extension);
    if (keyword == "XCLIENT") return unsafe("it lets strangers use XCLIENT: they could claim any address");
    if (std::find(std::begin(kOffered), std::end(kOffered), keyword) != std::end(kOffered))
      state.extensions.push_back(keyword + extension.substr(keyword.size()));
  }
  return state;
}

struct MtaProbe::Impl {
  Impl(const HandoverConfig& given, std::string name, Log& given_log, Changed given_changed)
      : config(given),
        target(or_throw(SmtpAddress::parse(given.to))),
        our_name(std::move(name)),
        log(given_log),
        changed(std::move(given_changed)),
        state(std::make_shared<MtaState>()) {
    thread = std::thread([this] { run(); });
  }

  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    wake.notify_all();
    context.stop();
    thread.join();
  }

  void run() {
    block_signals();
    while (true) {
      const auto found = probe();
      {
        const std::lock_guard lock(mutex);
        if (stopping) return;
        doubted = false;
      }
      publish(found);
      std::unique_lock lock(mutex);
      if (wake.wait_for(lock, kAtMostEvery, [this] { return stopping; })) return;
      const auto rest =
          (found.ready() ? milliseconds(config.probe) : std::min(milliseconds(config.probe), kWhileOff)) - kAtMostEvery;
      wake.wait_for(lock, rest, [this] { return stopping || doubted; });
      if (stopping) return;
    }
  }

  MtaState probe() {
    MtaPatience patience;
    patience.listen_first = kListenFirst;
    patience.rcpt = patience.reply;
    MtaState found;
    MtaCall::start(context, target, probe_script(config.with, our_name), patience,
                   [&](const MtaResult& result, MtaCall::Socket socket) {
                     found = judge(result, config.with);
                     boost::system::error_code ignored;
                     if (socket.is_open()) socket.send(boost::asio::buffer("QUIT\r\n", 6), 0, ignored);
                   });
    context.run();
    context.restart();
    return found;
  }

  void publish(const MtaState& found) {
    {
      const std::lock_guard lock(mutex);
      if (*state == found) return;
      state = std::make_shared<MtaState>(found);
    }
    if (found.ready())
      log.notice("smtp.handover_ready", {{"mta", config.to}, {"offers", fmt::format("{}", fmt::join(found.extensions, ", "))}});
    else if (found.kind == MtaState::Kind::unsafe)
      log.error("smtp.handover_unsafe", {{"mta", config.to}, {"what", found.why}, {"remedy", found.remedy}});
    else
      log.warning("smtp.handover_off", {{"mta", config.to}, {"what", found.why}});
    if (changed) changed(found);
  }

  const HandoverConfig config;
  const SmtpAddress target;
  const std::string our_name;
  Log& log;
  const Changed changed;
  boost::asio::io_context context{1};
  mutable std::mutex mutex;
  std::condition_variable wake;
  std::shared_ptr<const MtaState> state;
  bool stopping = false, doubted = false;
  std::thread thread;
};

MtaProbe::MtaProbe(const HandoverConfig& config, std::string our_name, Log& log, Changed changed)
    : impl_(std::make_unique<Impl>(config, std::move(our_name), log, std::move(changed))) {}

MtaProbe::~MtaProbe() = default;

std::shared_ptr<const MtaState> MtaProbe::state() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->state;
}

void MtaProbe::doubt() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->doubted = true;
  }
  impl_->wake.notify_all();
}

const SmtpAddress& MtaProbe::target() const { return impl_->target; }

}  // namespace deferd::smtp
