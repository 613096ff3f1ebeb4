// The checks of `deferctl doctor`: a name, and what it finds. Each looks at one thing; none changes anything.
#pragma once
#include <span>
#include <string_view>

#include "ctl/commands.h"
#include "ctl/examination.h"

namespace deferd::ctl {

struct Check {
  std::string_view name;
  Finding (*look)(Examination&);
};

/// In the order printed: what others depend on comes first.
std::span<const Check> daemon_checks();  ///< deferd itself and what it was configured with.
std::span<const Check> filter_checks();  ///< The rules of the packet filter around it.
std::span<const Check> table_checks();   ///< The packet filter's tables.

/// Makes all of them and prints what they find. Fails with kDoubtful if one warns, with kIll if one fails.
Outcome<void> examine(Facts& facts, const Job& job);

}  // namespace deferd::ctl
