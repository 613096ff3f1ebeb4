// Is a plugin's manual complete? For the test that says so, here and elsewhere:
//
//   EXPECT_THAT(missing_rows(TARPIT_README, Config::schema().describe()), IsEmpty());
#pragma once
#include <span>
#include <string>
#include <vector>

#include "deferd/schema.h"

namespace deferd {

/// The rows that the manual (a file of Markdown) lacks of the table of its settings, as they would have to stand there:
/// `| NAME | type | default | range | what the schema says of it |`. A nested setting is named `parent.child`, one of a map's
/// values `parent.NAME.child`. Where the schema tells no range, the manual may. All rows, if there is no such file.
std::vector<std::string> missing_rows(const std::string& manual, std::span<const FieldDoc> fields);

}  // namespace deferd
