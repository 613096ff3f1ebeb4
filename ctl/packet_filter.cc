#include "ctl/packet_filter.h"

#include <algorithm>

namespace deferd::ctl {
namespace {

bool applies(const FilterRule& rule, std::string_view set, Family family, std::string_view interface) {
  if (!rule.is_for(family)) return false;
  if (!rule.interface.empty() && rule.interface != interface) return false;
  if (rule.set.empty()) return true;
  return (rule.set == set) != rule.but_members;
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

const FilterRule* RuleChain::decides(std::string_view set, Family family, std::string_view interface) const {
  const FilterRule* last = nullptr;
  for (const FilterRule& rule : rules) {
    if (!applies(rule, set, family, interface)) continue;
    if (rule.at_once) return &rule;
    last = &rule;
  }
  return last;
}

bool PacketFilter::has(std::string_view set) const { return contains(declared, set); }
bool PacketFilter::uses(std::string_view set) const { return contains(referenced, set); }

std::vector<const FilterRule*> PacketFilter::redirects() const {
  std::vector<const FilterRule*> found;
  for (const auto& chain : chains)
    for (const auto& rule : chain.rules)
      if (rule.does == FilterRule::Does::redirect) found.push_back(&rule);
  return found;
}

const FilterRule* PacketFilter::caught_by(std::string_view set, Family family) const {
  for (const auto& chain : chains)
    for (const auto& rule : chain.rules) {
      // The interfaces that matter are those of redirects.
      if (rule.does != FilterRule::Does::redirect) continue;
      const auto* decided = chain.decides(set, family, rule.interface);
      if (decided != nullptr && decided->does == FilterRule::Does::redirect) return decided;
    }
  return nullptr;
}

}  // namespace deferd::ctl
