// nft's listing in JSON, libnftables-json(5): {"nftables": [{"chain": ...}, {"set": ...}, {"rule": {"expr": [...]}}, ...]}.
#include <algorithm>
#include <map>
#include <optional>

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

bool has_port_25(const Value& right) {
  if (right.kind() == Value::Kind::integer) return right.integer() == 25;
  const auto& set = member(right, {"set"});
  return std::any_of(set.items().begin(), set.items().end(), has_port_25);
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
  }

  const std::string& log() const { return made_.log; }

  /// Nullopt: no new mail connection matches it, it decides nothing, or not for all strangers or all members of a set.
  std::optional<FilterRule> rule() {
    const bool redirects = made_.does == FilterRule::Does::redirect;
    const bool counts = redirects ? made_.names_port : !narrow_;
    return matches_ && decides_ && counts ? std::optional(std::move(made_)) : std::nullopt;
  }

 private:
  void take(std::string_view kind, const Value& value) {
    if (kind == "match") return match(value);
    if (kind == "log" && member(value, {"group"}).kind() == Value::Kind::integer)
      made_.log = "nflog:" + std::to_string(member(value, {"group"}).integer());
    if (kind == "accept") decide(FilterRule::Does::pass);
    if (kind == "drop" || kind == "reject") decide(FilterRule::Does::block);
    if (kind == "redirect" || kind == "dnat") {
      decide(FilterRule::Does::redirect);
      made_.address = member(value, {"addr"}).text();
      made_.port = static_cast<std::uint16_t>(member(value, {"port"}).integer());
    }
  }
  void decide(FilterRule::Does does) {
    decides_ = true;
    made_.does = does;
  }

  void match(const Value& match) {
    const auto& left = member(match, {"left"});
    const auto& right = member(match, {"right"});
    const bool equal = member(match, {"op"}).text() == "==" || member(match, {"op"}).text() == "in";
    const auto& payload = member(left, {"payload"});
    const auto& protocol = member(payload, {"protocol"}).text();
    const auto& field = member(payload, {"field"}).text();
    const auto& key = member(left, {"meta", "key"}).text();
    if (field == "dport")
      port(protocol, equal == has_port_25(right));
    else if (field == "saddr" && right.is_text() && right.text().starts_with('@'))
      members(protocol, right.text(), equal);
    else if (field == "saddr")
      matches_ = matches_ && !equal;  // one's own hosts are no strangers
    else if (key == "iifname" && right.is_text() && equal)
      made_.interface = right.text();
    else if (key == "nfproto" && right.is_text())
      family((right.text() == "ipv4") == equal);
    else if (key == "l4proto" && right.is_text())
      matches_ = matches_ && (right.text() == "tcp") == equal;
    else
      narrow_ = true;
  }
  void port(std::string_view protocol, bool smtp) {
    matches_ = matches_ && protocol != "udp" && smtp;
    made_.names_port = true;
  }
  void members(std::string_view protocol, std::string_view set, bool equal) {
    made_.set = within_ + '/' + std::string(set.substr(1));
    made_.but_members = !equal;
    family(protocol == "ip");
  }
  void family(bool v4) {
    made_.v4 = made_.v4 && v4;
    made_.v6 = made_.v6 && !v4;
  }

  const std::string within_;
  FilterRule made_;
  bool matches_ = true;
  bool decides_ = false;
  bool narrow_ = false;  // it matches on something else as well
};

}  // namespace

void read_nft(const Value& ruleset, PacketFilter& filter) {
  std::map<std::string, std::size_t> chains;
  for (const Value& item : member(ruleset, {"nftables"}).items()) {
    if (const auto& chain = member(item, {"chain"});
        member(chain, {"type"}).text() == "nat" && member(chain, {"hook"}).text() == "prerouting") {
      const auto name = within(chain) + '/' + member(chain, {"name"}).text();
      chains[name] = filter.chains.size();
      filter.chains.push_back({name, {}});
    }
    if (const auto& set = member(item, {"set"}); set.is_map())
      filter.declared.push_back(within(set) + '/' + member(set, {"name"}).text());
    const auto& rule = member(item, {"rule"});
    if (!rule.is_map()) continue;
    collect_sets(member(rule, {"expr"}), within(rule), filter.referenced);
    NftRule read(rule);
    if (!read.log().empty()) filter.logs.push_back(read.log());
    const auto chain = chains.find(within(rule) + '/' + member(rule, {"chain"}).text());
    if (chain == chains.end()) continue;
    if (auto made = read.rule()) filter.chains[chain->second].rules.push_back(std::move(*made));
  }
}

}  // namespace deferd::ctl
