// Finds rules that can never match: policy that its author believes in and nobody enforces.
#pragma once
#include <string>
#include <vector>

#include "config.h"

namespace deferd::rules {

/// True if whoever meets `narrow` surely meets `wide`. Decided on what is written: lists count by their names.
bool covers(const Conditions& wide, const Conditions& narrow);

/// Warns of every rule that an earlier one leaves nothing to, and of rules whose `unless` takes away all they ask for. `path` is
/// that of the list of rules.
void report_unreachable(const std::vector<RuleConfig>& rules, const std::string& path, Problems& problems);

}  // namespace deferd::rules
