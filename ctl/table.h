// Aligned tables for people. What comes from strangers is escaped: it cannot act on the terminal.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "ctl/screen.h"
#include "deferd/value.h"

namespace deferd::ctl {

/// Columns of equal width while the table streams: the first rows decide the widths, later longer cells push their neighbours.
class Table {
 public:
  /// `columns`: names of the rows' members; shown in capitals.
  Table(std::vector<std::string> columns, const Screen& screen) : columns_(std::move(columns)), screen_(screen) {}
  ~Table() { finish(); }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  bool add(const Value& row);  ///< False when the output is closed.
  void add(std::vector<std::string> cells);
  void finish();

 private:
  void print(const std::vector<std::string>& cells);

  static constexpr std::size_t kMeasuredRows = 500;

  const std::vector<std::string> columns_;
  const Screen& screen_;
  std::vector<std::vector<std::string>> waiting_;
  std::vector<std::size_t> widths_;
};

/// A text of several lines, each escaped by itself.
std::string escaped_lines(std::string_view text);

/// One value as a cell: texts escaped, lists joined by blanks, true as `yes`.
std::string cell(const Value& value);
/// The member's cell, or empty.
std::string cell(const Value& row, std::string_view key);

/// `key   value` a line; nested maps as `outer.inner`.
void print_fields(const Value& map, const Screen& screen);

}  // namespace deferd::ctl
