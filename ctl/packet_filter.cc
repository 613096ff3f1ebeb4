#include "ctl/packet_filter.h"

#include <algorithm>
#include <optional>

namespace deferd::ctl {
namespace {

using Does = FilterRule::Does;

/// What nft allows is less: calls 16 deep (nft(8)), and none in circles.
constexpr int kDeepest = 16;
/// So much is looked at for one question. Only who writes rules in order to be slow has more.
constexpr int kMostRules = 100'000;

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// A new mail connection, as far as rules tell one from another.
struct Connection {
  std::string_view set;  ///< The client is its member; empty: a stranger.
  Family family;
  /// By which it comes in; one with a star stands for those of its kind that no rule names.
  std::string_view interface;

  bool matches(const FilterRule& rule) const {
    if (!rule.is_for(family)) return false;
    const auto is_named = [&](const auto& named) { return covers(named, interface); };
    if (!rule.interfaces.empty() && std::none_of(rule.interfaces.begin(), rule.interfaces.end(), is_named)) return false;
    if (rule.set.empty()) return true;
    return (rule.set == set) != rule.but_members;
  }
};

/// One connection's way through the rules.
class Way {
 public:
  Way(const PacketFilter& filter, Connection connection) : filter_(filter), connection_(connection) {}

  /// The rule that says what becomes of it; null: none does. `is_mail`: only port 25 gets here.
  const FilterRule* through(const RuleChain& chain, bool is_mail = false, int depth = 0) {
    const FilterRule* last = nullptr;
    for (const FilterRule& rule : chain.rules) {
      if (--left_ < 0) return nullptr;
      if (!connection_.matches(rule)) continue;
      const bool mail = is_mail || rule.names_port;
      if (rule.does == Does::call) {
        const auto* called = depth < kDeepest ? filter_.chain(rule.chain) : nullptr;
        const auto* decided = called != nullptr ? through(*called, mail, depth + 1) : nullptr;
        if (decided != nullptr && (counts(rule, mail) || decided->does == Does::redirect)) return decided;
        if (rule.for_good && counts(rule, mail)) return last;
      } else if (counts(rule, mail)) {
        if (rule.does == Does::leave) return last;
        if (rule.at_once) return &rule;
        last = &rule;
      }
    }
    return last;
  }

 private:
  /// Somebody's own rules count only as far as they are sure to be about strangers' mail: a redirect if it names the port,
  /// another one if nothing else is asked.
  static bool counts(const FilterRule& rule, bool mail) { return rule.does == Does::redirect ? mail : !rule.narrow; }

  const PacketFilter& filter_;
  const Connection connection_;
  int left_ = kMostRules;
};

/// A redirect, and an interface by which one gets there; empty: one that no rule names.
struct Lead {
  const FilterRule* rule;
  std::string interface;
};

using Interfaces = std::vector<std::string>;

/// Those that both name, where empty is all; nullopt: there are none.
std::optional<Interfaces> both(const Interfaces& one, const Interfaces& other) {
  if (one.empty()) return other;
  if (other.empty()) return one;
  Interfaces common;
  for (const auto& a : one)
    for (const auto& b : other)
      if (covers(a, b))
        common.push_back(b);
      else if (covers(b, a))
        common.push_back(a);
  if (common.empty()) return std::nullopt;
  return common;
}

/// All redirects that can be reached.
class Search {
 public:
  explicit Search(const PacketFilter& filter) : filter_(filter) {}

  std::vector<Lead> below(const RuleChain& chain) {
    look(chain, {}, false, 0);
    return std::move(found_);
  }

 private:
  void look(const RuleChain& chain, const Interfaces& interfaces, bool is_mail, int depth) {
    for (const FilterRule& rule : chain.rules) {
      if (--left_ < 0) return;
      const auto by = both(interfaces, rule.interfaces);
      if (!by) continue;
      const bool mail = is_mail || rule.names_port;
      if (rule.does == Does::redirect && mail) found(rule, *by);
      if (rule.does != Does::call || depth == kDeepest) continue;
      if (const auto* called = filter_.chain(rule.chain)) look(*called, *by, mail, depth + 1);
    }
  }

  void found(const FilterRule& redirect, const Interfaces& interfaces) {
    if (interfaces.empty()) found_.push_back({&redirect, {}});
    for (const auto& interface : interfaces) found_.push_back({&redirect, interface});
  }

  const PacketFilter& filter_;
  std::vector<Lead> found_;
  int left_ = kMostRules;
};

}  // namespace

bool covers(std::string_view named, std::string_view interface) {
  if (named.ends_with('*')) return interface.starts_with(named.substr(0, named.size() - 1));
  return named == interface;
}

bool PacketFilter::has(std::string_view set) const { return contains(declared, set); }
bool PacketFilter::uses(std::string_view set) const { return contains(referenced, set); }

const RuleChain* PacketFilter::chain(std::string_view name) const {
  const auto found = std::find_if(chains.begin(), chains.end(), [&](const RuleChain& chain) { return chain.name == name; });
  return found == chains.end() ? nullptr : &*found;
}

std::vector<std::string> PacketFilter::interface_sets() const {
  std::vector<std::string> sets;
  for (const auto& chain : chains)
    for (const auto& rule : chain.rules)
      for (const auto& named : rule.interfaces)
        if (named.starts_with('@') && !contains(sets, std::string_view(named).substr(1))) sets.push_back(named.substr(1));
  return sets;
}

std::vector<const FilterRule*> PacketFilter::redirects() const {
  std::vector<const FilterRule*> found;
  for (const auto& chain : chains)
    if (chain.entered)
      for (const Lead& lead : Search(*this).below(chain))
        if (std::find(found.begin(), found.end(), lead.rule) == found.end()) found.push_back(lead.rule);
  return found;
}

const FilterRule* PacketFilter::caught_by(std::string_view set, Family family) const {
  for (const auto& chain : chains) {
    if (!chain.entered) continue;
    std::vector<std::string_view> asked;
    // The interfaces that matter are those of redirects.
    for (const Lead& lead : Search(*this).below(chain)) {
      if (std::find(asked.begin(), asked.end(), lead.interface) != asked.end()) continue;
      asked.push_back(lead.interface);
      const auto* decided = Way(*this, {set, family, lead.interface}).through(chain);
      if (decided != nullptr && decided->does == Does::redirect) return decided;
    }
  }
  return nullptr;
}

}  // namespace deferd::ctl
