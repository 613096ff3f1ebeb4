// What deferd-helper(8) is told to keep, as far as its command line in deferd.yaml tells.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/value.h"

namespace deferd::ctl {

enum class Family : unsigned char { v4, v6 };
/// What the packet filter speaks.
enum class FilterKind : unsigned char { pf, nft };

/// One table of deferd's in the packet filter.
struct HelperTable {
  std::string name;  ///< white, trapped, black, exempt; bypass is that of the dead man's switch.
  FilterKind kind = FilterKind::pf;
  std::string within;  ///< pf: the anchor, or empty; nft: FAMILY/TABLE.
  std::vector<std::string>
      sets;  ///< pf: the one; nft: hosts of IPv4, of IPv6, prefixes of IPv4, of IPv6; perhaps empty, or fewer.

  /// Where entries of the family are, as packet_filter.h names them.
  std::vector<std::string> sets_of(Family family) const;
};

struct HelperPlan {
  std::vector<HelperTable> tables;    ///< Of packet filters of this host. Files, programs and other hosts' are left out.
  std::vector<std::string> captures;  ///< pflog1, nflog:155
  bool elsewhere = false;             ///< There is one that changes tables of another host.

  const HelperTable* table(std::string_view name) const;  ///< Null: none.
};

/// `helpers` of deferd.yaml: a list of lists of words. What is no command line of the helper's is passed over.
HelperPlan read_helpers(const Value& helpers);

/// Whether pfbridge keeps a table for the set, as /v1/bridge tells.
bool keeps(const std::vector<Value>& bridge, std::string_view set);

/// As conf/pf and docs/running-behind-pf.md have it. For a helper that is a service of its own, whose command line deferd does
/// not know.
HelperPlan usual_helpers(FilterKind kind, bool listed_only = false);
/// The same of the table of who is exempt: the rules have it with or without a helper that keeps it.
HelperTable usual_exempt(FilterKind kind);

}  // namespace deferd::ctl
