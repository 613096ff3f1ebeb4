// By which interface strangers come in.
#pragma once
#include <string>

#include "ctl/facts.h"
#include "ctl/rule_facts.h"

namespace deferd::ctl {

/// That of the default route; empty where this host cannot tell, because it has no such route or is of another system.
/// OpenBSD's rules need none: its group `egress` follows the route.
std::string default_interface(RuleSystem system, Facts& facts);

}  // namespace deferd::ctl
