#include "control/table_rows.h"

#include <functional>

namespace deferd {
namespace {

constexpr std::size_t kRowsAtATime = 500;

Result<void> each_row(Tables& tables, std::string_view table, const std::function<bool(const TableRow&)>& take) {
  std::string cursor;
  do {
    auto page = tables.scan(table, cursor, kRowsAtATime);
    if (!page) return tl::unexpected(page.error());
    for (const TableRow& row : page->rows)
      if (!take(row)) return {};
    cursor = std::move(page->cursor);
  } while (!cursor.empty());
  return {};
}

/// As row_value(), with the table's name in front.
Value named_row(std::string_view table, const Value& row) {
  Value map = Value::map();
  map.set("table", table);
  for (std::size_t i = 0; i < row.size(); ++i) map.set(row.key(i), row.items()[i]);
  return map;
}

Value revoked_row(std::string_view table, const Prefix& client, Time revoked) {
  Value map = Value::map();
  map.set("table", table);
  map.set("prefix", client.to_string());
  map.set("revoked", format_time(revoked));
  return map;
}

}  // namespace

Value row_value(const TableRow& row) {
  Value map = Value::map();
  map.set("prefix", row.prefix.to_string());
  map.set("added", format_time(row.added));
  map.set("expires", row.expires == Time::max() ? std::string("never") : format_time(row.expires));
  if (!row.source.empty()) map.set("source", row.source);
  if (!row.evidence.empty()) map.set("evidence", row.evidence);
  if (!row.note.empty()) map.set("note", row.note);
  return map;
}

Result<void> stream_table(Tables& tables, std::string_view table, LineWriter& lines) {
  return each_row(tables, table, [&](const TableRow& row) { return lines.row(row_value(row)); });
}

Result<void> show_table(Tables& tables, std::string_view table, const Prefix& key, LineWriter& lines) {
  if (!key.is_host())
    return each_row(tables, table, [&](const TableRow& row) {
      if (!key.contains(row.prefix) && !row.prefix.contains(key)) return true;
      return lines.row(named_row(table, row_value(row)));
    });
  auto match = tables.find(table, key.address());
  if (!match) return tl::unexpected(match.error());
  if (match->row) lines.row(named_row(table, row_value(*match->row)));
  if (match->revoked != Time{}) lines.row(revoked_row(table, key, match->revoked));
  return {};
}

}  // namespace deferd
