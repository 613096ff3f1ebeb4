// JSON text to Value; the other way is Value::to_json().
#pragma once
#include <string_view>

#include "deferd/result.h"
#include "deferd/value.h"

namespace deferd {

/// RFC 8259. Numbers must be whole and fit 64 bits; at most 32 levels deep. Errors: invalid, with the offset.
Result<Value> parse_json(std::string_view text);

}  // namespace deferd
