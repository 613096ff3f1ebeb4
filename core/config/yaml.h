// A configuration file as a tree of values with their places. Strict: what could be read in two ways is refused.
//
// Beyond YAML's own syntax these are problems: a key given twice (both lines are named), keys that are no plain text, anchors,
// aliases, tags, a second document, more than 64 levels, more than 16 MiB, bytes that are no UTF-8 and control characters. Every
// scalar becomes text, as written, except that `~`, `null` and nothing at all become null.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "deferd/schema.h"
#include "deferd/value.h"

namespace deferd {

/// Adds everything that is wrong to `problems`; nullopt if that was any error. Lines and columns count from 1, columns in bytes.
/// An empty text is a null value.
std::optional<Value> parse_yaml(std::string_view text, Problems& problems);

/// The same of a file; that it cannot be read is a problem without a place.
std::optional<Value> load_yaml(const std::string& path, Problems& problems);

}  // namespace deferd
