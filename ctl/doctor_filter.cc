// Checks of the rules of the packet filter around deferd: do they fit what deferd does?
#include <algorithm>
#include <string>

#include "ctl/doctor.h"
#include "ctl/fields.h"

namespace deferd::ctl {
namespace {

constexpr Family kFamilies[] = {Family::v4, Family::v6};
constexpr std::string_view kPrint = "deferctl pf-rules prints rules that fit";

std::string name_of(Family family) { return family == Family::v4 ? "IPv4" : "IPv6"; }
bool is_of(const Endpoint& endpoint, Family family) { return endpoint.address.is_v4() == (family == Family::v4); }

Finding rules_are_in_force(Examination& examination) {
  if (auto unseen = examination.filter_unseen()) return *unseen;
  if (!examination.filter().enabled) return {Verdict::fail, "pf is not enabled", "pfctl -e, and enable it for the next start"};
  const auto count = examination.filter().rules->redirects().size();
  if (count == 0) return {Verdict::fail, "no rule redirects port 25", std::string(kPrint)};
  return {Verdict::ok, counted(count, "rule") + " redirecting port 25"};
}

/// Empty: the redirect leads to one of the sockets.
std::string wrong_target(const FilterRule& rule, Family family, const std::vector<Endpoint>& listeners) {
  for (const Endpoint& listener : listeners) {
    if (!is_of(listener, family) || listener.port != rule.port) continue;
    const bool loopback = listener.address.is_v4() ? listener.address.bytes()[0] == 127 : listener.address.to_string() == "::1";
    if (listener.everywhere() || rule.address == listener.address.to_string() || (rule.address.empty() && !loopback)) return {};
  }
  if (rule.port == 0 && !rule.address.empty()) return "divert-to " + rule.address + " reaches no TCP socket on this system";
  return "the redirect leads to " + (rule.address.empty() ? "the interface's address" : rule.address) + " port " +
         std::to_string(rule.port) + ", where deferd does not listen";
}

/// Of an interface that is not there nobody hears: rules may name it all the same.
bool is_there(Examination& examination, const std::string& interface) {
  auto& facts = examination.facts();
  if (examination.kind() == FilterKind::pf)
    return facts.run({"ifconfig", interface}).ok() || !facts.run({"ifconfig", "-g", interface}).output.empty();  // or a group
  const auto all = facts.read_file("/proc/net/dev");
  if (!all || interface.starts_with('@')) return true;
  bool found = false;
  each_line_of(*all, [&](std::string_view line, std::size_t) {
    const auto words = words_of(line);
    found = found || (!words.empty() && covers(interface, words.front().substr(0, words.front().find(':'))));
  });
  return found;
}

/// The first of the interfaces that a rule names, if none of them is there; else empty.
std::string missing_interface(Examination& examination, const FilterRule& rule) {
  for (const auto& interface : rule.interfaces)
    if (is_there(examination, interface)) return {};
  return rule.interfaces.empty() ? "" : rule.interfaces.front();
}

Finding redirect_reaches_deferd(Examination& examination) {
  if (auto unseen = examination.filter_unseen()) return *unseen;
  const auto& rules = *examination.filter().rules;
  const auto& listeners = examination.listeners();
  const auto* black = examination.listed_only() ? examination.plan().table("black") : nullptr;
  Faults faults;
  std::string well;
  for (const Family family : kFamilies) {
    const bool listens = std::any_of(listeners.begin(), listeners.end(), [&](const Endpoint& one) { return is_of(one, family); });
    const auto sets = black != nullptr ? black->sets_of(family) : std::vector<std::string>{""};
    for (const auto& set : sets) {
      const std::string who = set.empty() ? "strangers" : "members of " + set;
      const auto* redirect = rules.caught_by(set, family);
      if (redirect == nullptr && listens)
        faults.add("by " + name_of(family) + " no rule leads " + who +
                       " to deferd, or another one decides: with nftables, or `quick`, one before it, else one after it",
                   kPrint);
      if (redirect == nullptr) continue;
      if (const auto wrong = wrong_target(*redirect, family, listeners); !wrong.empty())
        faults.add("by " + name_of(family) + " " + wrong,
                   "correct the port or address in the rules, or listen.smtp; " + std::string(kPrint));
      if (const auto missing = missing_interface(examination, *redirect); !missing.empty())
        faults.add("the redirect is for the interface " + missing + ", which does not exist",
                   "deferctl pf-rules --interface NAME prints it for another");
    }
    append(well, name_of(family) + (listens ? " reaches deferd" : " is not redirected"));
  }
  return faults.finding(well);
}

Finding tables_are_used(Examination& examination) {
  if (auto unseen = examination.filter_unseen()) return *unseen;
  if (!examination.helpers_known() && !examination.has_plugin("pfbridge"))
    return {Verdict::skipped, "there is no pfbridge to keep tables"};
  const auto& rules = *examination.filter().rules;
  Faults faults;
  std::vector<std::string> sets;
  for (const HelperTable& table : examination.plan().tables)
    for (const Family family : kFamilies)
      for (const auto& set : table.sets_of(family))
        if (std::find(sets.begin(), sets.end(), set) == sets.end()) sets.push_back(set);
  for (const auto& set : sets) {
    if (!rules.has(set))
      faults.add(set + ", where deferd-helper writes, does not exist",
                 "declare it in the rules, or correct its name; " + std::string(kPrint));
    else if (!rules.uses(set))
      faults.add("no rule uses " + set + ", where deferd-helper writes", kPrint);
  }
  if (!examination.helpers_known() && !faults.what.empty())
    return {Verdict::warn, faults.what + " (deferd.yaml names no helper; these are the usual names)", faults.remedy};
  return faults.finding(counted(sets.size(), "table") + " there and used");
}

/// Where the helper, or the file of rules itself, has the exempt clients.
HelperTable exempt_table(const HelperPlan& plan) {
  if (const auto* kept = plan.table("exempt")) return *kept;
  auto table = usual_exempt(plan.tables.empty() ? FilterKind::pf : plan.tables.front().kind);
  if (table.kind == FilterKind::nft) table.within = plan.tables.front().within;
  return table;
}

Finding order_is_right(Examination& examination) {
  if (auto unseen = examination.filter_unseen()) return *unseen;
  const auto& rules = *examination.filter().rules;
  const auto& plan = examination.plan();
  Faults faults;
  const auto spared = [&](const std::string& set, Family family, std::string_view remedy) {
    if (rules.has(set) && rules.caught_by(set, family) != nullptr)
      faults.add("members of " + set + " are redirected to deferd all the same (" + name_of(family) + ")", remedy);
  };
  const auto all_spared = [&](std::string_view name, Family family, std::string_view remedy) {
    if (const auto* table = plan.table(name))
      for (const auto& set : table->sets_of(family)) spared(set, family, remedy);
  };
  for (const Family family : kFamilies) {
    all_spared("bypass", family, "let it pass before all redirects (OpenBSD: after them), or a dead deferd stops your mail");
    all_spared("white", family,
               "let it pass before the redirect (OpenBSD: after it), or who has passed never gets to the mail server");
    for (const auto& set : exempt_table(plan).sets_of(family))
      spared(set, family, "let it pass before the redirect (OpenBSD: after it)");
  }
  if (!faults.what.empty()) return faults.finding({});
  const auto* bypass = plan.table("bypass");
  const auto has_any = [&](const std::vector<std::string>& sets) {
    return std::any_of(sets.begin(), sets.end(), [&](const std::string& set) { return rules.has(set); });
  };
  if (bypass == nullptr || !(has_any(bypass->sets_of(Family::v4)) || has_any(bypass->sets_of(Family::v6))))
    return {Verdict::warn, "there is no dead man's switch: a dead deferd stops your mail",
            "give deferd-helper --bypass, as in docs/running-behind-pf.md"};
  return {Verdict::ok, plan.table("white") != nullptr ? "bypass and white pass" : "bypass passes"};
}

/// Empty: whoever passes is seen by `capture`.
void look_at_capture(Examination& examination, const std::string& capture, Faults& faults) {
  const auto& rules = *examination.filter().rules;
  for (const auto* redirect : rules.redirects())
    if (redirect->log == capture)
      faults.add(capture + " is fed by the redirect: every stranger would count as let through (" + redirect->text + ")",
                 "take `log` out of the redirecting rule");
  if (std::find(rules.logs.begin(), rules.logs.end(), capture) == rules.logs.end())
    faults.add("no rule logs to " + capture, kPrint);
  if (capture.starts_with("nflog:")) {
    const auto groups = examination.facts().read_file("/proc/net/netfilter/nfnetlink_log");
    bool heard = false;
    each_line_of(groups ? *groups : std::string(), [&](std::string_view line, std::size_t) {
      const auto words = words_of(line);
      heard = heard || (!words.empty() && words.front() == std::string_view(capture).substr(6));
    });
    if (!heard) faults.add("nobody reads " + capture, "start deferd-helper --capture, see deferd's log");
    return;
  }
  const auto interface = examination.facts().run({"ifconfig", capture});
  const auto flags = interface.output.substr(0, interface.output.find('>'));
  const auto up = flags.find("UP");
  if (!interface.ok() || up == std::string::npos)
    faults.add(capture + " is not up: what rules log there is lost",
               "ifconfig " + capture + " create; ifconfig " + capture + " up; and for the next start as conf/pf has it");
}

Finding passing_is_seen(Examination& examination) {
  if (auto unseen = examination.filter_unseen()) return *unseen;
  const auto& captures = examination.plan().captures;
  if (!examination.helpers_known()) return {Verdict::skipped, "deferd.yaml names no helper"};
  if (captures.empty()) return {Verdict::skipped, "no helper has --capture: white rows end without being renewed"};
  Faults faults;
  for (const auto& capture : captures) look_at_capture(examination, capture, faults);
  if (!faults.what.empty()) return faults.finding({});
  const auto stats = examination.facts().ask("/v1/stats");
  const auto seen = stats ? member(*stats, {"counters", "deferd_pfbridge_watched_total"}).integer() : 0;
  if (seen == 0 && stats && member(*stats, {"uptime"}).integer() > 24 * 3600)
    return {Verdict::warn, "no connection was seen since deferd's start",
            "is mail of white clients logged? pfbridge: {watch: ...}"};
  return {Verdict::ok, counted(static_cast<std::uint64_t>(seen), "connection") + " seen"};
}

constexpr Check kFilterChecks[] = {
    {"rules", rules_are_in_force}, {"redirect", redirect_reaches_deferd}, {"tables", tables_are_used},
    {"order", order_is_right},     {"capture", passing_is_seen},
};

}  // namespace

std::span<const Check> filter_checks() { return kFilterChecks; }

}  // namespace deferd::ctl
