// Fills the rules of conf/pf with what the running deferd has. Plain text in, plain text out.
#pragma once
#include <string>
#include <string_view>

#include "ctl/rule_facts.h"

namespace deferd::ctl {

/// `rules`: the text of a file. Definitions get their values, names those of the helper's tables; a rule that uses a definition
/// for which there is no value becomes a comment.
std::string fill_rules(RuleSystem system, std::string_view rules, const RuleFacts& facts);

}  // namespace deferd::ctl
