// pf-rules: the packet filter's rules for the deferd that runs.
#include <sys/utsname.h>

#include <string>

#include "ctl/commands.h"
#include "ctl/default_interface.h"
#include "ctl/rule_filler.h"
#include "ctl/rule_templates.h"

namespace deferd::ctl {
namespace {

/// Of the host we are on, unless told otherwise.
RuleSystem rule_system(const std::string& told) {
  utsname here{};
  const std::string name = !told.empty() ? told : ::uname(&here) == 0 ? here.sysname : "";
  if (name == "openbsd" || name == "OpenBSD") return RuleSystem::openbsd;
  if (name == "freebsd" || name == "FreeBSD") return RuleSystem::freebsd;
  return RuleSystem::nft;
}

std::string file_name(RuleSystem system, bool listed_only) {
  const std::string variant = listed_only ? "-listed" : "";
  switch (system) {
    case RuleSystem::openbsd:
      return "openbsd" + variant + ".conf";
    case RuleSystem::freebsd:
      return "freebsd" + variant + ".conf";
    case RuleSystem::nft:
      break;
  }
  return "nftables" + variant + ".nft";
}

}  // namespace

Outcome<void> pf_rules(const Job& job) {
  const auto system = rule_system(job.arguments.what);
  auto setup = job.daemon.ask_value({"GET", "/v1/setup"});
  if (!setup) return tl::unexpected(setup.error());
  HostFacts host(job.daemon);
  auto facts = rule_facts(system, *setup, job.arguments.listed_only, host.ask_rows("/v1/bridge").value_or(std::vector<Value>()));
  if (!facts) return tl::unexpected(facts.error());
  facts->interface = job.arguments.interface;
  if (facts->interface.empty()) facts->interface = default_interface(system, host);
  if (facts->interface.empty() && system != RuleSystem::openbsd)
    facts->notes.emplace_back(
        "by which interface strangers come in is not known here: --interface NAME puts it in place of this one");
  job.screen.out << fill_rules(system, rule_template(file_name(system, job.arguments.listed_only)), *facts);
  return {};
}

}  // namespace deferd::ctl
