#include "daemon/smtp_service.h"

#include <unistd.h>

#include "smtp/redirected.h"

namespace deferd {
namespace {

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' ? name : "localhost";
}

/// Where `smtp.tls` stands in the file, or what of it there is.
Mark mark_of_tls(const Value& file) {
  const auto* smtp = file.find("smtp");
  const auto* tls = smtp != nullptr && smtp->is_map() ? smtp->find("tls") : nullptr;
  if (tls != nullptr) return tls->mark();
  return smtp != nullptr ? smtp->mark() : Mark{};
}

}  // namespace

Result<SmtpService::Prepared> SmtpService::prepare(const smtp::SmtpConfig& config, const smtp::OpenTlsFile& open) {
  Prepared prepared;
  auto named = std::make_shared<smtp::SmtpConfig>(config);
  if (named->name.empty()) named->name = host_name();
  prepared.config = std::move(named);
  if (config.tls.certificate.empty()) return prepared;
  auto tls = smtp::TlsContext::load(config.tls, open);
  if (!tls) return tl::unexpected(tls.error());
  prepared.tls = std::move(*tls);
  return prepared;
}

SmtpService::SmtpService(const std::vector<smtp::SmtpAddress>& listen, Prepared prepared, Wiring wiring,
                         std::vector<smtp::Bound> bound)
    : wiring_(std::move(wiring)),
      expires_(wiring_.metrics.gauge("deferd_smtp_certificate_expiry_timestamp_seconds", {},
                                     "When the certificate of the SMTP front end expires; 0: there is none.")),
      handover_(wiring_.log, wiring_.metrics) {
  take(std::move(prepared));
  server_ = std::make_unique<smtp::SmtpServer>(
      listen,
      smtp::SmtpServer::Wiring{wiring_.open, [this] { return rules(); }, [this] { return current_.lock()->tls; },
                               handover_.starter(), wiring_.clock, wiring_.log, wiring_.metrics},
      std::move(bound));
}

void SmtpService::take(Prepared prepared) {
  auto rules = std::make_shared<smtp::SessionRules>();
  rules->config = prepared.config;
  rules->clock = &wiring_.clock;
  rules->tls_offered = prepared.tls != nullptr;
  expires_.set(prepared.tls ? prepared.tls->expires().time_since_epoch().count() : 0);
  if (prepared.tls)
    for (const auto& warning : prepared.tls->warnings(prepared.config->tls, wiring_.clock.now()))
      wiring_.log.warning("smtp.certificate", {{"what", warning}});
  *current_.lock() = {std::move(prepared.tls), std::move(rules), nullptr};
}

/// With what the last probe of the MTA has found.
std::shared_ptr<const smtp::SessionRules> SmtpService::rules() {
  auto mta = handover_.mta();
  const auto current = current_.lock();
  if (current->mta != mta) {
    auto rules = std::make_shared<smtp::SessionRules>(*current->rules);
    rules->handover = mta->ready();
    rules->mta_extensions = mta->extensions;
    current->rules = std::move(rules);
    current->mta = std::move(mta);
  }
  return current->rules;
}

void SmtpService::start() {
  const auto config = rules()->config;
  handover_.configure(config->handover, config->name);
  if (const auto wrong = smtp::open_redirections(); !wrong.empty())  // a worker that was root has it open
    wiring_.log.notice("smtp.redirections_unknown", {{"what", wrong}});
  server_->start();
  for (const auto& socket : server_->listening()) wiring_.log.notice("smtp.listening", {{"socket", socket}});
}

void SmtpService::apply(Prepared prepared) {
  const auto config = prepared.config;
  take(std::move(prepared));
  handover_.configure(config->handover, config->name);
  server_->configure();
}

std::string SmtpService::why_restart(const std::vector<smtp::SmtpAddress>& listen, const smtp::SmtpConfig& config) const {
  return server_->why_restart(listen, config);
}

std::vector<std::string> SmtpService::listening() const { return server_->listening(); }

bool SmtpService::stop(const std::function<bool()>& hurry) { return server_->stop(hurry); }

void check_smtp(const DaemonConfig& config, const Value& file, std::chrono::sys_seconds now, Problems& problems) {
  if (config.listen.smtp.empty()) return;
  const auto mark = mark_of_tls(file);
  const auto prepared = SmtpService::prepare(config.smtp);
  if (!prepared) {
    problems.error(mark, "smtp.tls", prepared.error().what);
    return;
  }
  const auto& tls = config.smtp.tls;
  if (!prepared->tls) {
    problems.warning(mark, "smtp.tls",
                     "there is no certificate, so STARTTLS is not offered: senders that insist on TLS (MTA-STS, DANE) never "
                     "deliver to a host that has to pass here first");
    return;
  }
  if (tls.mx_names.empty())
    problems.warning(mark, "smtp.tls",
                     "mx_names is empty: name what the MX records of your domains point to, so that it can be checked that the "
                     "certificate covers it");
  for (auto& warning : prepared->tls->warnings(tls, now)) problems.warning(mark, "smtp.tls", std::move(warning));
}

}  // namespace deferd
