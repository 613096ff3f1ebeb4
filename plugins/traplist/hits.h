// How often a client did what is held against it, within a time.
#pragma once
#include <string>
#include <string_view>

#include "deferd/store.h"

namespace deferd::traplist {

/// One more at `now`; true if it makes `limit` of them within `within`, and then counting begins anew. A limit of 1 reads and
/// writes nothing. `what`: "hits", "unknown". Throws ErrorException.
bool one_more(Store& store, const std::string& client, std::string_view what, Time now, unsigned limit, Duration within);

/// The group of a client's records.
std::string client_group(const std::string& client);
inline constexpr std::string_view kClientGroups = "c";
inline constexpr std::string_view kHits = "hits";
inline constexpr std::string_view kUnknown = "unknown";
inline constexpr std::string_view kSeen = "seen";  ///< It has tried a better MX.

/// How many times a record of one_more() holds, all of them. 0 if it is of another version.
std::size_t counted(std::string_view value);

}  // namespace deferd::traplist
