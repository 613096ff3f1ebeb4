// nft's listing in JSON, libnftables-json(5): {"nftables": [{"chain": ...}, {"set": ...}, {"rule": {"expr": [...]}}, ...]}.
#include <algorithm>
#include <map>
#include <utility>

#include "ctl/member.h"
#include "ctl/packet_filter.h"

namespace deferd::ctl {
namespace {

std::string within(const Value& object) { return member(object, {"family"}).text() + '/' + member(object, {"table"}).text(); }

/// Every set that is named anywhere below.
void collect_sets(const Value& value, const std::string& table, std::vector<std::string>& referenced) {
  if (value.is_text() && value.text().starts_with('@')) referenced.push_back(table + '/' + value.text().substr(1));
  for (const Value& item : value.items()) collect_sets(item, table, referenced);
}

/// The members of an unnamed set; of anything else, it alone.
std::vector<const Value*> members_of(const Value& right) {
  const auto& set = right.is_map() && right.find("set") != nullptr ? *right.find("set") : right;
  if (!set.is_list()) return {&right};
  std::vector<const Value*> all;
  for (const Value& item : set.items()) all.push_back(&item);
  return all;
}

bool has_port_25(const Value& right) {
  const auto is_25 = [](const Value* port) {
    const auto& range = member(*port, {"range"}).items();
    if (range.size() == 2) return range[0].integer() <= 25 && 25 <= range[1].integer();
    return port->kind() == Value::Kind::integer && port->integer() == 25;
  };
  const auto all = members_of(right);
  return std::any_of(all.begin(), all.end(), is_25);
}

bool has_word(const Value& right, std::string_view word) {
  const auto all = members_of(right);
  return std::any_of(all.begin(), all.end(), [&](const Value* one) { return one->is_text() && one->text() == word; });
}

std::vector<std::string> words_in(const Value& right) {
  std::vector<std::string> words;
  for (const Value* one : members_of(right)) words.push_back(one->text());
  return words;
}

/// One rule, expression by expression.
class NftRule {
 public:
  explicit NftRule(const Value& rule) : within_(within(rule)) {
    made_.at_once = true;
    const auto& family = member(rule, {"family"}).text();
    made_.v4 = family != "ip6";
    made_.v6 = family != "ip";
    made_.text = "a rule in " + within_ + '/' + member(rule, {"chain"}).text();
    for (const Value& expression : member(rule, {"expr"}).items())
      if (expression.is_map() && expression.size() > 0) take(expression.key(0), expression.items().front());
    finish();
  }

  const std::string& log() const { return made_.log; }

  /// One; one a verdict where it maps them; none if no new mail connection matches it, or it decides nothing.
  std::vector<FilterRule> rules() && { return std::move(rules_); }

 private:
  void take(std::string_view kind, const Value& value) {
    if (kind == "match")
      return match(member(value, {"left"}), member(value, {"right"}),
                   member(value, {"op"}).text() == "==" || member(value, {"op"}).text() == "in");
    if (kind == "vmap") return choose(member(value, {"key"}), member(value, {"data"}));
    if (kind == "limit" || kind == "quota" || kind == "ct count" || kind == "xt") made_.narrow = true;
    if (kind == "log" && member(value, {"group"}).kind() == Value::Kind::integer)
      made_.log = "nflog:" + std::to_string(member(value, {"group"}).integer());
    decide(kind, value);
  }

  void decide(std::string_view kind, const Value& value) {
    if (kind == "accept") does(FilterRule::Does::pass);
    if (kind == "drop" || kind == "reject") does(FilterRule::Does::block);
    if (kind == "return") does(FilterRule::Does::leave);
    if (kind == "jump" || kind == "goto") {
      does(FilterRule::Does::call);
      made_.chain = within_ + '/' + member(value, {"target"}).text();
      made_.for_good = kind == "goto";
    }
    if (kind == "redirect" || kind == "dnat") {
      does(FilterRule::Does::redirect);
      made_.address = member(value, {"addr"}).text();
      made_.port = static_cast<std::uint16_t>(member(value, {"port"}).integer());
    }
  }
  void does(FilterRule::Does what) {
    decides_ = true;
    made_.does = what;
  }

  /// A verdict for each value of `key`, each a rule.
  void choose(const Value& key, const Value& data) {
    auto made = std::exchange(rules_, {});
    for (const Value* pair : members_of(data)) {
      if (!pair->is_list() || pair->size() != 2) continue;
      const Value& verdict = pair->items()[1];
      if (!verdict.is_map() || verdict.size() == 0) continue;
      NftRule one = *this;
      one.match(key, pair->items()[0], true);
      one.decide(verdict.key(0), verdict.items().front());
      one.finish();
      made.insert(made.end(), one.rules_.begin(), one.rules_.end());
    }
    rules_ = std::move(made);
  }

  /// Nothing more is asked.
  void finish() {
    if (!matches_ || !decides_) return;
    rules_.push_back(made_);
    rules_.back().narrow = made_.narrow || (elsewhere_ && !made_.names_port);
  }

  void match(const Value& left, const Value& right, bool equal) {
    const auto& protocol = member(left, {"payload", "protocol"}).text();
    const auto& field = member(left, {"payload", "field"}).text();
    const auto& key = member(left, {"meta", "key"}).text();
    if (protocol == "ip" || protocol == "ip6") family(protocol == "ip");
    if (field == "dport")
      port(protocol, equal == has_port_25(right));
    else if (field == "saddr" && right.is_text() && right.text().starts_with('@'))
      members(right.text(), equal);
    else if (field == "saddr")
      matches_ = matches_ && !equal;  // one's own hosts are no strangers
    else if (field == "daddr")
      elsewhere_ = true;
    else if ((key == "iifname" || key == "iif") && equal)
      interfaces(right);
    else if (key == "nfproto" && right.is_text())
      family((right.text() == "ipv4") == equal);
    else if (key == "l4proto" || field == "protocol" || field == "nexthdr")
      matches_ = matches_ && has_word(right, "tcp") == equal;
    else if (member(left, {"ct", "key"}).text() == "state")
      matches_ = matches_ && has_word(right, "new") == equal;
    else
      made_.narrow = true;
  }
  void port(std::string_view protocol, bool smtp) {
    matches_ = matches_ && protocol != "udp" && smtp;
    made_.names_port = true;
  }
  void interfaces(const Value& right) {
    made_.interfaces = words_in(right);
    for (auto& named : made_.interfaces)
      if (named.starts_with('@')) named = '@' + within_ + '/' + named.substr(1);
  }
  void members(std::string_view set, bool equal) {
    made_.set = within_ + '/' + std::string(set.substr(1));
    made_.but_members = !equal;
  }
  void family(bool v4) {
    made_.v4 = made_.v4 && v4;
    made_.v6 = made_.v6 && !v4;
  }

  const std::string within_;
  FilterRule made_;
  bool matches_ = true;
  bool decides_ = false;
  bool elsewhere_ = false;  // it is for some address of ours
  std::vector<FilterRule> rules_;
};

/// Chains by name, also of those that come later.
class Chains {
 public:
  explicit Chains(PacketFilter& filter) : filter_(filter) {}

  RuleChain& of(const Value& object, std::string_view key) {
    const auto name = within(object) + '/' + member(object, {key}).text();
    const auto [place, is_new] = places_.emplace(name, filter_.chains.size());
    if (is_new) filter_.chains.push_back({name, false, {}});
    return filter_.chains[place->second];
  }

 private:
  PacketFilter& filter_;
  std::map<std::string, std::size_t> places_;
};

}  // namespace

void read_nft(const Value& ruleset, PacketFilter& filter) {
  Chains chains(filter);
  for (const Value& item : member(ruleset, {"nftables"}).items()) {
    if (const auto& chain = member(item, {"chain"}); chain.is_map())
      chains.of(chain, "name").entered =
          member(chain, {"type"}).text() == "nat" && member(chain, {"hook"}).text() == "prerouting";
    if (const auto& set = member(item, {"set"}); set.is_map())
      filter.declared.push_back(within(set) + '/' + member(set, {"name"}).text());
    const auto& rule = member(item, {"rule"});
    if (!rule.is_map()) continue;
    collect_sets(member(rule, {"expr"}), within(rule), filter.referenced);
    NftRule read(rule);
    if (!read.log().empty()) filter.logs.push_back(read.log());
    for (auto& made : std::move(read).rules()) chains.of(rule, "chain").rules.push_back(std::move(made));
  }
}

void read_nft_interfaces(const Value& listing, PacketFilter& filter) {
  for (const Value& item : member(listing, {"nftables"}).items()) {
    const auto& set = member(item, {"set"});
    std::vector<std::string> names;
    for (const Value& element : member(set, {"elem"}).items()) {
      const auto& commented = member(element, {"elem", "val"});
      names.push_back((element.is_text() ? element : commented).text());
    }
    if (names.empty()) continue;  // nobody comes in by those: they stay a name that covers nothing
    const auto named = '@' + within(set) + '/' + member(set, {"name"}).text();
    for (auto& chain : filter.chains)
      for (auto& rule : chain.rules)
        if (const auto at = std::find(rule.interfaces.begin(), rule.interfaces.end(), named); at != rule.interfaces.end())
          rule.interfaces.insert(rule.interfaces.erase(at), names.begin(), names.end());
  }
}

}  // namespace deferd::ctl
