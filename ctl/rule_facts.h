// What the running deferd has that its packet filter's rules depend on.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ctl/endpoint.h"
#include "ctl/exit_code.h"
#include "ctl/helper_tables.h"

namespace deferd::ctl {

enum class RuleSystem : unsigned char { openbsd, freebsd, nft };

/// What is put into the rules.
struct RuleFacts {
  std::string interface;           ///< Empty: as the file has it.
  std::optional<Endpoint> v4, v6;  ///< Where the rules lead to; without one, rules that need it become comments.
  std::vector<Prefix> exempt;
  bool exempt_kept = false;  ///< deferd-helper keeps the table of them: the rules only declare it.
  std::vector<std::pair<std::string, std::string>> renamed;  ///< A name in the file, and what is there in its place.
  std::vector<std::string> notes;                            ///< What the operator must know; comments at the beginning.
};

/// From /v1/setup and /v1/bridge. Fails with kRefused where no rule could lead to deferd.
Outcome<RuleFacts> rule_facts(RuleSystem system, const Value& setup, bool listed_only, const std::vector<Value>& bridge = {});

}  // namespace deferd::ctl
