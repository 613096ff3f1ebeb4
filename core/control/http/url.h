// The target of a request taken apart (RFC 3986 sections 2.1 and 3.4), and its parts put into one.
#pragma once
#include <string>
#include <string_view>

#include "deferd/result.h"
#include "http/http.h"

namespace deferd {

/// Fills in path and query. A `+` in the query is a plus, not a blank. Errors: invalid.
Result<void> parse_target(std::string_view target, HttpRequest& request);

/// Everything but unreserved characters as %XX: fit for one segment of a path and for a query's value.
std::string percent_encode(std::string_view text);

}  // namespace deferd
