// Rows of the shared tables as the control socket shows them.
#pragma once
#include <string_view>

#include "control/line_writer.h"
#include "deferd/tables.h"
#include "deferd/value.h"

namespace deferd {

/// A map: prefix, added, expires (RFC 3339, or "never"), source, evidence, note; empty texts are left out.
Value row_value(const TableRow& row);

/// Every row of a table.
Result<void> stream_table(Tables& tables, std::string_view table, LineWriter& lines);

/// Rows that cover the address; for a wider prefix, rows inside it and around it (which reads the table).
Result<void> show_table(Tables& tables, std::string_view table, const Prefix& key, LineWriter& lines);

}  // namespace deferd
