#include "ctl/rule_facts.h"

#include <algorithm>

#include "ctl/member.h"
#include "deferd/prefix_set.h"

namespace deferd::ctl {
namespace {

FilterKind kind_of(RuleSystem system) { return system == RuleSystem::nft ? FilterKind::nft : FilterKind::pf; }

/// Addresses of `exempt`; of what has none, a note.
void take_exempt(const Value& setup, RuleFacts& facts) {
  PrefixSetBuilder all;  // a set of nftables takes no prefix that another one holds
  for (const char* key : {"networks", "own_mx", "relays"}) {
    for (const Value& entry : member(setup, {"exempt", key}).items()) {
      if (auto prefix = Prefix::parse(entry.text()))
        all.add(*prefix);
      else
        facts.notes.push_back(std::string("exempt.") + key + ": " + entry.text() +
                              " is a name: if its mail comes in by here, write its addresses into " +
                              (facts.exempt_kept ? "deferd.yaml" : "the table of the exempt"));
    }
  }
  for (const Prefix& prefix : all.build()) facts.exempt.push_back(prefix);
  if (!facts.exempt_kept && member(setup, {"exempt", "files"}).size() > 0)
    facts.notes.emplace_back(
        "exempt.files are not in these rules: with smtp.handover those clients get in all the same, else let deferd-helper keep "
        "the table of the exempt (docs/running-behind-pf.md)");
}

void take_names(RuleSystem system, const HelperPlan& plan, bool listed_only, RuleFacts& facts) {
  const auto kind = kind_of(system);
  auto all = usual_helpers(kind, listed_only).tables;
  all.push_back(usual_exempt(kind));
  for (const HelperTable& usual : all) {
    const HelperTable* ours = plan.table(usual.name);
    if (ours == nullptr || ours->kind != kind) continue;
    if (kind == FilterKind::nft && ours->within != usual.within) {
      const auto spoken = [](std::string within) {
        std::replace(within.begin(), within.end(), '/', ' ');
        return within;
      };
      const std::pair within(spoken(usual.within), spoken(ours->within));
      if (std::find(facts.renamed.begin(), facts.renamed.end(), within) == facts.renamed.end()) facts.renamed.push_back(within);
    }
    if (kind == FilterKind::pf && !ours->within.empty())
      facts.notes.push_back("the table of " + ours->name + " is in the anchor " + ours->within +
                            ": load these rules there, pfctl -a " + ours->within + " -f FILE");
    for (std::size_t i = 0; i < std::min(usual.sets.size(), ours->sets.size()); ++i)
      if (!usual.sets[i].empty() && !ours->sets[i].empty() && usual.sets[i] != ours->sets[i])
        facts.renamed.emplace_back(usual.sets[i], ours->sets[i]);
  }
}

/// Why rules of the system cannot lead there; empty: they can.
std::string_view why_not(RuleSystem system, const Endpoint& listener) {
  const bool loopback = Prefix(Address::v4(0x7f000000), 8).contains(listener.address) || listener.address.to_string() == "::1";
  if (system == RuleSystem::nft && loopback)
    return "nftables redirects to the interface's own address: listen on 0.0.0.0:8025 and [::]:8025";
  if (system == RuleSystem::freebsd && listener.address.to_string() == "::1")
    return "FreeBSD cannot redirect to ::1: give lo0 an address such as fd00:25::1 and listen there";
  return {};
}

}  // namespace

Outcome<RuleFacts> rule_facts(RuleSystem system, const Value& setup, bool listed_only, const std::vector<Value>& bridge) {
  RuleFacts facts;
  for (const Value& text : member(setup, {"smtp", "listening"}).items()) {
    auto listener = Endpoint::parse(text.text());
    if (!listener) continue;
    if (const auto why = why_not(system, *listener); !why.empty()) {
      facts.notes.push_back("not used: " + text.text() + ": " + std::string(why));
      continue;
    }
    auto& place = listener->address.is_v4() ? facts.v4 : facts.v6;
    if (place) continue;
    if (listener->everywhere() && system != RuleSystem::nft)
      listener->address = *Address::parse(listener->address.is_v4()       ? "127.0.0.1"
                                          : system == RuleSystem::openbsd ? "::1"
                                                                          : "fd00:25::1");
    place = listener;
  }
  if (!facts.v4 && !facts.v6) {
    std::string why = "no rule could lead to deferd: ";
    for (const auto& note : facts.notes) why += note + "; ";
    return tl::make_unexpected(Failure{
        kRefused, facts.notes.empty() ? why + "listen.smtp of its configuration has no address" : why.substr(0, why.size() - 2)});
  }
  if (!facts.v4) facts.notes.emplace_back("IPv4 is not led to deferd: listen.smtp has no address of it that rules can lead to");
  if (!facts.v6) facts.notes.emplace_back("IPv6 is not led to deferd: listen.smtp has no address of it that rules can lead to");
  const auto plan = read_helpers(member(setup, {"helpers"}));
  const HelperTable* exempt = plan.table("exempt");
  // A table that nobody fills lets nobody pass.
  facts.exempt_kept = keeps(bridge, "exempt") && (plan.tables.empty() || (exempt != nullptr && exempt->kind == kind_of(system)));
  take_exempt(setup, facts);
  take_names(system, plan, listed_only, facts);
  return facts;
}

}  // namespace deferd::ctl
