// Checks of deferd itself and of what it was configured with.
#include <algorithm>
#include <string>

#include "ctl/doctor.h"

namespace deferd::ctl {
namespace {

Finding ok(std::string what) { return {Verdict::ok, std::move(what)}; }
Finding skipped(std::string what) { return {Verdict::skipped, std::move(what)}; }
Finding warn(std::string what, std::string remedy) { return {Verdict::warn, std::move(what), std::move(remedy)}; }
Finding failed(std::string what, std::string remedy) { return {Verdict::fail, std::move(what), std::move(remedy)}; }
Finding no_answer() { return skipped("deferd does not answer"); }

Finding daemon_answers(Examination& examination) {
  const auto& status = examination.status();
  if (!status)
    return failed(status.error().what,
                  "start it; if it does not stay, `deferd -t` and its log say why; -s SOCKET if its socket is elsewhere");
  return ok("version " + member(*status, {"version"}).text() + ", up " +
            format_duration(std::chrono::seconds(member(*status, {"uptime"}).integer())));
}

Finding store_is_well(Examination& examination) {
  const auto& status = examination.status();
  if (!status) return no_answer();
  const auto& store = member(*status, {"store"});
  const auto& state = member(store, {"state"}).text();
  if (state != "ok")
    return failed(state, "make room on its disk, or see the log; damage: stop deferd, then `deferd --check-store`");
  if (member(store, {"engine"}).text() == "memory")
    return warn("all that is learned is forgotten when deferd ends", "store: {engine: rocksdb, path: /var/lib/deferd/db}");
  return ok(counted(static_cast<std::uint64_t>(member(store, {"records"}).integer()), "record"));
}

Finding clock_is_sane(Examination& examination) {
  const auto now = examination.facts().now();
  constexpr Time kYoungest = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);
  const std::string remedy = "set the clock and keep it by NTP";
  if (now < kYoungest) return failed("this host's clock says " + format_time(now), remedy + ", then restart deferd");
  const auto& status = examination.status();
  if (!status) return no_answer();
  if (member(*status, {"store", "cleaning_held"}).boolean())
    return failed("the clock has jumped ahead of what the store has seen last: nothing expires until that is cleared up", remedy);
  const auto& time = member(*status, {"time"}).text();
  const auto off = std::chrono::minutes(2);
  if (time < format_time(now - off) || time > format_time(now + off))
    return failed("deferd's clock says " + time + ", this host's " + format_time(now), "start deferd without --testing-clock");
  return ok(time);
}

Finding own_mx_is_named(Examination& examination) {
  const auto& setup = examination.setup();
  if (!setup) return no_answer();
  const auto& exempt = member(*setup, {"exempt"});
  const auto named = member(exempt, {"own_mx"}).size() + member(exempt, {"relays"}).size();
  if (named == 0)
    return warn(
        "neither own_mx nor relays is set",
        "if mail also comes in by a backup MX or a forwarder of yours, name it in exempt.own_mx or exempt.relays: its mail "
        "waits too, and a trap would stop all of it");
  return ok(counted(named, "host") + " named");
}

Finding plugins_work(Examination& examination) {
  const auto plugins = examination.facts().ask_rows("/v1/plugins");
  if (!plugins) return no_answer();
  std::string quarantined, slow;
  for (const Value& plugin : *plugins) {
    const auto& state = member(plugin, {"state"}).text();
    const auto& name = member(plugin, {"name"}).text();
    if (state == "quarantined") append(quarantined, name);
    if (state == "slow") append(slow, name);
  }
  if (!quarantined.empty())
    return failed("not asked any more, because of their failures: " + quarantined, "the log says what failed; deferctl reload");
  if (!slow.empty()) return warn("slower than their budget: " + slow, "see what they wait for, or raise `budget`");
  if (plugins->empty()) return warn("there are none: deferd decides nothing", "plugins: [greylist: {}] in deferd.yaml");
  return ok(counted(plugins->size(), "plugin"));
}

Finding lists_are_fresh(Examination& examination) {
  const auto lists = examination.facts().ask_rows("/v1/lists");
  if (!lists) return lists.error().code == kNothing ? skipped("no plugin has lists") : no_answer();
  std::string bad, stale;
  for (const Value& list : *lists) {
    const auto& state = member(list, {"state"}).text();
    if (state == "good" || !member(list, {"loading"}).text().empty()) continue;
    const auto& error = member(list, {"error"}).text();
    append(state == "failing" ? stale : bad,
           member(list, {"list"}).text() + " is " + state + (error.empty() ? "" : ": " + error));
  }
  const std::string remedy = "deferctl lists; deferctl lists refresh NAME says what comes of it";
  if (!bad.empty()) return failed(bad + (stale.empty() ? "" : "; " + stale), remedy);
  if (!stale.empty()) return warn(stale, remedy);
  return ok(counted(lists->size(), "list"));
}

Finding certificate_is_good(Examination& examination) {
  const auto& setup = examination.setup();
  if (!setup) return no_answer();
  const auto& smtp = member(*setup, {"smtp"});
  if (!smtp.is_map()) return skipped("there is no SMTP front end");
  const auto& certificate = member(smtp, {"certificate"});
  if (!certificate.is_map())
    return warn("STARTTLS is not offered: senders that insist on it never deliver", "smtp.tls: {certificate: FILE, key: FILE}");
  std::string warnings;
  for (const Value& warning : member(certificate, {"warnings"}).items()) append(warnings, warning.text());
  const auto& expires = member(certificate, {"expires"}).text();
  if (expires < format_time(examination.facts().now()))
    return failed("expired " + expires, "renew " + member(certificate, {"file"}).text() + ", then deferctl reload");
  if (!warnings.empty()) return warn(warnings, "renew it for all names of your MX records, then deferctl reload");
  if (member(certificate, {"mx_names"}).size() == 0)
    return warn("whether it covers your MX is not known", "smtp.tls.mx_names: [what your MX records say]");
  return ok("good until " + expires);
}

Finding mta_is_reached(Examination& examination) {
  const auto& setup = examination.setup();
  if (!setup) return no_answer();
  const auto& handover = member(*setup, {"smtp", "handover"});
  if (!handover.is_map()) return skipped("smtp.handover is not set");
  const auto& state = member(handover, {"state"}).text();
  const auto& to = member(handover, {"to"}).text();
  if (state == "ready") return ok(to);
  if (state == "unknown") return warn(to + " has not been asked yet", "try again in some seconds");
  const auto& remedy = member(handover, {"remedy"}).text();
  return failed(to + ": " + member(handover, {"why"}).text(),
                remedy.empty() ? "start the mail server, or correct smtp.handover.to: until then nobody is handed over" : remedy);
}

Finding listener_greets(Examination& examination) {
  if (!examination.setup()) return no_answer();
  if (examination.listeners().empty()) return skipped("listen.smtp has no address");
  std::string greeted, mute;
  for (Endpoint endpoint : examination.listeners()) {
    const auto name = endpoint.to_string();
    if (endpoint.everywhere()) endpoint.address = *Address::parse(endpoint.address.is_v4() ? "127.0.0.1" : "::1");
    const auto line = examination.facts().greeting(endpoint);
    if (line && (line->starts_with("220") || line->starts_with("421")))
      append(greeted, name);
    else
      append(mute, name + ": " + (line ? "it says " + *line : line.error().what));
  }
  if (!mute.empty())
    return failed(mute,
                  "see its log; on this host another program may have the port, or a rule of the packet filter the loopback");
  return ok(greeted);
}

constexpr Check kDaemonChecks[] = {
    {"daemon", daemon_answers},           {"store", store_is_well},      {"clock", clock_is_sane},
    {"own_mx", own_mx_is_named},          {"plugins", plugins_work},     {"lists", lists_are_fresh},
    {"certificate", certificate_is_good}, {"hand-over", mta_is_reached}, {"listener", listener_greets},
};

}  // namespace

std::span<const Check> daemon_checks() { return kDaemonChecks; }

}  // namespace deferd::ctl
