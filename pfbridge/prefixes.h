// Prefixes as deferd and as the helper know them, and how they halve.
#pragma once
#include <optional>

#include "deferd/address.h"
#include "pfbridge/helper/entry.h"

namespace deferd::pfbridge {

bridge::Entry entry_of(const Prefix& prefix);
Prefix prefix_of(const bridge::Entry& entry);

/// The lower or upper half of a prefix that is no host; nothing if that is ::ffff:0:0/96, which is IPv4.
std::optional<Prefix> half_of(const Prefix& prefix, bool upper);

/// The other half of what `prefix`, which is not everything, is a half of.
std::optional<Prefix> sibling_of(const Prefix& prefix);

inline Prefix parent_of(const Prefix& prefix) { return Prefix(prefix.address(), prefix.length() - 1); }

}  // namespace deferd::pfbridge
