// Trap addresses added while deferd runs: kept in the plugin's records, for ever, and seen at once by whoever shares the store.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "deferd/store.h"

namespace deferd::traplist {

/// When it was added; nothing if it is none. Throws ErrorException, as all of these.
std::optional<Time> find_added(Store& store, std::string_view folded);

/// True if it was none before. A trap added again keeps its first moment.
bool add_trap(Store& store, std::string_view folded, Time added);
bool remove_trap(Store& store, std::string_view folded);  ///< True if it was one.

/// Calls `take` for each; false ends it.
void each_trap(Store& store, const std::function<bool(const std::string& address, Time added)>& take);

}  // namespace deferd::traplist
