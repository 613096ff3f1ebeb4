// GET /v1/setup: what must fit around the daemon (the packet filter, the certificate, the MTA), for those who check or write
// that.
#include "daemon/daemon.h"

namespace deferd {
namespace {

template <class Items, class Text>
Value texts(const Items& items, Text text) {
  Value list = Value::list();
  for (const auto& item : items) list.append(text(item));
  return list;
}

Value texts(const std::vector<std::string>& items) {
  return texts(items, [](const std::string& item) { return item; });
}

std::string_view name_of(smtp::MtaState::Kind kind) {
  switch (kind) {
    case smtp::MtaState::Kind::unknown:
      return "unknown";
    case smtp::MtaState::Kind::ready:
      return "ready";
    case smtp::MtaState::Kind::down:
      return "down";
    case smtp::MtaState::Kind::unsafe:
      return "unsafe";
  }
  return "unknown";
}

}  // namespace

Value SmtpService::setup() const {
  Value smtp = Value::map();
  smtp.set("listening", texts(listening()));
  const auto mta = handover_.mta();
  const auto current = current_.lock();
  const auto& config = *current->rules->config;
  smtp.set("name", config.name);
  if (current->tls) {
    Value certificate = Value::map();
    certificate.set("file", config.tls.certificate);
    certificate.set("expires", format_time(current->tls->expires()));
    certificate.set("mx_names", texts(config.tls.mx_names));
    certificate.set("warnings", texts(current->tls->warnings(config.tls, wiring_.clock.now())));
    smtp.set("certificate", std::move(certificate));
  }
  if (!config.handover.to.empty()) {
    Value handover = Value::map();
    handover.set("to", config.handover.to);
    handover.set("state", name_of(mta->kind));
    if (!mta->why.empty()) handover.set("why", mta->why);
    if (!mta->remedy.empty()) handover.set("remedy", mta->remedy);
    smtp.set("handover", std::move(handover));
  }
  return smtp;
}

Value Daemon::setup() {
  Value setup = Value::map();
  setup.set("user", started_with_.config.user);
  if (smtp_) setup.set("smtp", smtp_->setup());
  Value exempt = Value::map();
  {
    const auto config = exempt_.lock();
    const auto host = [](const HostEntry& entry) { return entry.text; };
    exempt.set("networks", texts(config->networks, [](const Prefix& prefix) { return prefix.to_string(); }));
    exempt.set("own_mx", texts(config->own_mx, host));
    exempt.set("relays", texts(config->relays, host));
    exempt.set("files", texts(config->files));
  }
  setup.set("exempt", std::move(exempt));
  setup.set("helpers", texts(started_with_.config.helpers, [](const std::vector<std::string>& words) { return texts(words); }));
  return setup;
}

}  // namespace deferd
