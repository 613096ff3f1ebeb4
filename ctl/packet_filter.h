// The rules of a packet filter as far as they decide what becomes of a mail connection from outside. Pure: from the text that
// pfctl(8) and nft(8) print.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/helper_tables.h"
#include "deferd/value.h"

namespace deferd::ctl {

/// A rule that a new TCP connection to port 25 may match.
struct FilterRule {
  /// call: the rules of another chain come first; leave: the rest of this chain does not count.
  enum class Does : unsigned char { pass, redirect, block, call, leave };
  Does does = Does::pass;
  bool at_once = false;  ///< The first such rule that matches decides; else the last of the others does.
  bool v4 = true, v6 = true;
  bool names_port = false;              ///< It is for port 25, not for any.
  bool narrow = false;                  ///< It looks at something else as well: who knows whether it matches.
  std::vector<std::string> interfaces;  ///< As covers() takes them; or @FAMILY/TABLE/SET, whose members are not read; empty: all.
  std::string set;           ///< Whose members it is for: a table of pf, FAMILY/TABLE/SET of nftables; empty: everybody.
  bool but_members = false;  ///< It is for everybody who is not in the set.
  std::string chain;         ///< Of a call.
  bool for_good = false;     ///< Of a call: whom the chain does not decide about leaves this one, too.
  std::string address;       ///< Of a redirect; empty: the interface's own.
  std::uint16_t port = 0;    ///< Of a redirect.
  std::string log;           ///< pflog1, nflog:155; empty: not logged.
  std::string text;          ///< For people: the rule, or where it is.

  bool is_for(Family family) const { return family == Family::v4 ? v4 : v6; }
};

/// Rules that are gone through one after the other.
struct RuleChain {
  std::string name;
  bool entered = true;  ///< By connections that come in; else only by calls.
  std::vector<FilterRule> rules;
};

/// Is `interface` the one that a rule names, or does the rule name all that begin so? nft(8): "ppp*" is for ppp0, ppp1 ...
bool covers(std::string_view named, std::string_view interface);

struct PacketFilter {
  std::vector<RuleChain> chains;
  std::vector<std::string> declared;    ///< Tables or sets there are.
  std::vector<std::string> referenced;  ///< Those that any rule names.
  std::vector<std::string> logs;        ///< Where any rule, also of what goes out, logs to.

  bool has(std::string_view set) const;
  bool uses(std::string_view set) const;
  /// Null: there is none of that name.
  const RuleChain* chain(std::string_view name) const;
  /// The sets of interfaces that rules name, FAMILY/TABLE/SET, as long as their members are not read.
  std::vector<std::string> interface_sets() const;
  /// All that redirect port 25, in order, each once.
  std::vector<const FilterRule*> redirects() const;
  /// The redirect that catches a client of `set` (empty: a stranger); null: none, it gets to the mail server or is blocked.
  const FilterRule* caught_by(std::string_view set, Family family) const;
};

/// What `pfctl -sn` prints (translation, where the first rule decides) and `pfctl -sr` (where the last does). Rules within
/// anchors are left out, unless the anchor's own rules are given.
void read_pf_translation(std::string_view text, PacketFilter& filter);
void read_pf_rules(std::string_view text, PacketFilter& filter);
/// What `pfctl -sT` prints.
void read_pf_tables(std::string_view text, PacketFilter& filter);

/// What `nft -j -t list ruleset` prints. Maps of verdicts that have a name are left out: it does not print what they hold.
void read_nft(const Value& ruleset, PacketFilter& filter);
/// What `nft -j list set` prints of one of filter.interface_sets().
void read_nft_interfaces(const Value& listing, PacketFilter& filter);

}  // namespace deferd::ctl
