// What nft(8) is told and what it prints, as text. Plain code; the library is in nft_table.cc alone.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pfbridge/helper/entry.h"

namespace deferd::bridge {

/// The sets of one table. Where hosts have no set (its name is empty) they go into that of prefixes; what has none is left out.
///
/// Hosts and prefixes go into sets of their own: a set with intervals costs nft work that grows with the set, for each change;
/// a set of hosts does not.
struct NftSets {
  std::string family = "inet";
  std::string table;
  std::string hosts4, hosts6;        ///< Of type ipv4_addr and ipv6_addr, with `flags timeout`.
  std::string prefixes4, prefixes6;  ///< The same with `flags interval, timeout`.
};

/// All of them, without the empty ones.
std::vector<std::string> names(const NftSets& sets);

/// Whether the entry is for a set of hosts; else it is for one of prefixes.
bool in_hosts(const NftSets& sets, const Entry& entry);
/// Which of them is for the entry; empty: none.
const std::string& set_for(const NftSets& sets, const Entry& entry);

/// One transaction: all or nothing. Adding first makes removing one that is not there no error; removing and adding again sets
/// the time of one that is there anew (to add it would not). Empty: none of the entries has a set.
std::string nft_add(const NftSets& sets, std::span<const Row> rows);
std::string nft_remove(const NftSets& sets, std::span<const Entry> entries);

/// Whether a rule in the text of `list ruleset` refers to the set: `@white4`.
bool nft_rule_uses(std::string_view ruleset, std::string_view set);

}  // namespace deferd::bridge
