// The reference of all settings, made from the schemas that read them: a man page's section and a table for READMEs.
//
// Nested settings are named `parent.child`, those of a list's items `parent[].child`, those of a map's values
// `parent.NAME.child`.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "deferd/schema.h"

namespace deferd {

/// A tagged list in mdoc(7). `path` goes before every name: "plugins.greylist", or empty.
std::string mdoc_reference(std::span<const FieldDoc> fields, std::string_view path);

/// A table with the columns Setting, Type, Default, Range, Meaning.
std::string markdown_reference(std::span<const FieldDoc> fields, std::string_view path);

}  // namespace deferd
