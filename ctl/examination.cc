#include "ctl/examination.h"

#include <algorithm>
#include <sstream>

#include "ctl/fields.h"
#include "http/json.h"

namespace deferd::ctl {
namespace {

/// An answer that is got once.
template <class T, class Get>
const T& once(std::optional<T>& kept, Get get) {
  if (!kept) kept.emplace(get());
  return *kept;
}

/// A helper that pfbridge itself starts on another host, as `deferctl bridge` names it.
bool is_remote(std::string_view helper) {
  const auto words = words_of(helper);
  return !words.empty() && (words.front() == "ssh" || words.front().ends_with("/ssh"));
}

std::vector<std::string> anchors(const HelperPlan& plan) {
  std::vector<std::string> found{""};
  for (const auto& table : plan.tables)
    if (table.kind == FilterKind::pf && std::find(found.begin(), found.end(), table.within) == found.end())
      found.push_back(table.within);
  return found;
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok:
      return "ok";
    case Verdict::skipped:
      return "skipped";
    case Verdict::warn:
      return "warn";
    case Verdict::fail:
      return "fail";
  }
  return "fail";
}

void append(std::string& all, const std::string& one) { all += (all.empty() ? "" : "; ") + one; }

void Faults::add(const std::string& fault, std::string_view its_remedy) {
  if (what.find(fault) == std::string::npos) append(what, fault);
  if (remedy.find(its_remedy) == std::string::npos) append(remedy, std::string(its_remedy));
}

Finding Faults::finding(std::string well) const {
  return what.empty() ? Finding{Verdict::ok, std::move(well)} : Finding{Verdict::fail, what, remedy};
}

std::string counted(std::uint64_t count, std::string_view what) {
  return std::to_string(count) + ' ' + std::string(what) + (count == 1 ? "" : "s");
}

const Outcome<Value>& Examination::status() {
  return once(status_, [&] { return facts_.ask("/v1/status"); });
}
const Outcome<Value>& Examination::setup() {
  return once(setup_, [&] { return facts_.ask("/v1/setup"); });
}
const Outcome<std::vector<Value>>& Examination::bridge() {
  return once(bridge_, [&] { return facts_.ask_rows("/v1/bridge"); });
}

bool Examination::has_plugin(std::string_view name) {
  const auto& plugins = once(plugins_, [&] { return facts_.ask_rows("/v1/plugins"); });
  return plugins && std::any_of(plugins->begin(), plugins->end(),
                                [&](const Value& plugin) { return member(plugin, {"plugin"}).text() == name; });
}

const std::vector<Endpoint>& Examination::listeners() {
  return once(listeners_, [&] {
    std::vector<Endpoint> found;
    if (setup())
      for (const Value& text : member(*setup(), {"smtp", "listening"}).items())
        if (auto endpoint = Endpoint::parse(text.text())) found.push_back(*endpoint);
    return found;
  });
}

bool Examination::helpers_known() {
  const auto& told = once(told_, [&] {
    auto plan = setup() ? read_helpers(member(*setup(), {"helpers"})) : HelperPlan();
    if (plan.tables.empty() && bridge())
      for (const Value& row : *bridge()) plan.elsewhere = plan.elsewhere || is_remote(member(row, {"helper"}).text());
    return plan;
  });
  return !told.tables.empty() || told.elsewhere;
}

const HelperPlan& Examination::plan() {
  return once(plan_, [&] {
    if (helpers_known()) return *told_;
    const auto usual = usual_helpers(kind());
    const auto listed = usual_helpers(kind(), true);
    const auto& rules = filter().rules;
    const auto names = [&](const HelperTable& table) {
      const auto sets = table.sets_of(Family::v4);
      return rules && !sets.empty() && rules->uses(sets.front());
    };
    return !names(*usual.table("white")) && names(*listed.table("black")) ? listed : usual;
  });
}

FilterKind Examination::kind() {
  return helpers_known() && !told_->tables.empty() ? told_->tables.front().kind : facts_.usual_filter();
}

bool Examination::listed_only() { return plan().table("white") == nullptr && plan().table("black") != nullptr; }

const Filtering& Examination::filter() {
  return once(filtering_, [&] {
    Filtering filtering;
    kind() == FilterKind::nft ? read_nftables(filtering) : read_pf(filtering);
    return filtering;
  });
}

void Examination::read_nftables(Filtering& filtering) {
  const auto listed = facts_.run({"nft", "-j", "-t", "list", "ruleset"});
  if (!listed.ok()) {
    filtering.why_not = listed.error;
    return;
  }
  const auto ruleset = parse_json(listed.output);
  if (!ruleset) {
    filtering.why_not = "nft: " + ruleset.error().what;
    return;
  }
  auto& rules = filtering.rules.emplace();
  read_nft(*ruleset, rules);
  for (const auto& name : rules.interface_sets()) {
    std::vector<std::string> words{"nft", "-j", "list", "set"};
    std::istringstream parts(name);
    for (std::string part; std::getline(parts, part, '/');) words.push_back(part);
    if (const auto members = parse_json(facts_.run(words).output)) read_nft_interfaces(*members, rules);
  }
}

void Examination::read_pf(Filtering& filtering) {
  PacketFilter rules;
  for (const auto& anchor : helpers_known() ? anchors(*told_) : std::vector<std::string>{""}) {
    const auto pfctl = [&](const char* what) {
      return facts_.run(anchor.empty() ? std::vector<std::string>{"pfctl", what}
                                       : std::vector<std::string>{"pfctl", "-a", anchor, what});
    };
    // OpenBSD has no translation rules of their own, and refuses to list them.
    if (const auto listed = pfctl("-sn"); listed.ok()) read_pf_translation(listed.output, rules);
    const auto listed = pfctl("-sr");
    if (!listed.ok()) {
      filtering.why_not = listed.error;
      return;
    }
    read_pf_rules(listed.output, rules);
    read_pf_tables(pfctl("-sT").output, rules);
  }
  filtering.enabled = facts_.run({"pfctl", "-si"}).output.find("Status: Enabled") != std::string::npos;
  filtering.rules = std::move(rules);
}

std::optional<Finding> Examination::filter_unseen() {
  const auto skipped = [](std::string why) { return Finding{Verdict::skipped, std::move(why)}; };
  if (!setup()) return skipped("deferd does not answer");
  if (listeners().empty()) return skipped("listen.smtp has no address: nothing is redirected to deferd");
  if (helpers_known() && told_->tables.empty()) return skipped("the packet filter is on another host");
  if (filter().rules) return std::nullopt;
  if (!facts_.root()) return skipped("only root may read the packet filter's rules: " + filter().why_not);
  return Finding{Verdict::warn, "the packet filter's rules cannot be read: " + filter().why_not,
                 "install and enable nftables or pf; deferd listens for strangers whom nobody redirects"};
}

}  // namespace deferd::ctl
