#include "ctl/table.h"

#include <algorithm>
#include <cctype>

#include "base/escape.h"

namespace deferd::ctl {
namespace {

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

std::size_t shown_width(std::string_view text) {
  return text.size() - static_cast<std::size_t>(std::count_if(text.begin(), text.end(), continues_character));
}

/// The first `width` characters.
std::string_view cut(std::string_view text, std::size_t width) {
  std::size_t shown = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (!continues_character(text[i]) && shown++ == width) return text.substr(0, i);
  return text;
}

std::string heading(std::string_view column) {
  std::string text(column);
  for (char& c : text) c = c == '_' ? ' ' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

using Fields = std::vector<std::pair<std::string, std::string>>;

void collect_fields(const Value& map, const std::string& before, Fields& fields) {
  for (std::size_t i = 0; i < map.size(); ++i) {
    const std::string name = before + escaped(map.key(i));
    if (map.items()[i].is_map())
      collect_fields(map.items()[i], name + ".", fields);
    else
      fields.emplace_back(name, cell(map.items()[i]));
  }
}

}  // namespace

std::string escaped_lines(std::string_view text) {
  std::string all;
  while (true) {
    const auto end = text.find('\n');
    append_escaped(all, text.substr(0, end));
    if (end == text.npos) return all;
    all += '\n';
    text.remove_prefix(end + 1);
  }
}

std::string cell(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::null:
      return {};
    case Value::Kind::boolean:
      return value.boolean() ? "yes" : "no";
    case Value::Kind::integer:
      return std::to_string(value.integer());
    case Value::Kind::text:
      return escaped(value.text());
    case Value::Kind::list: {
      std::string all;
      for (const Value& item : value.items()) all += (all.empty() ? "" : " ") + cell(item);
      return all;
    }
    case Value::Kind::map:
      return escaped(value.to_json());
  }
  return {};
}

std::string cell(const Value& row, std::string_view key) {
  const Value* value = row.is_map() ? row.find(key) : nullptr;
  return value != nullptr ? cell(*value) : std::string();
}

bool Table::add(const Value& row) {
  std::vector<std::string> cells;
  for (const auto& column : columns_) cells.push_back(cell(row, column));
  add(std::move(cells));
  return static_cast<bool>(screen_.out);
}

void Table::add(std::vector<std::string> cells) {
  if (!widths_.empty()) return print(cells);
  waiting_.push_back(std::move(cells));
  if (waiting_.size() == kMeasuredRows) finish();
}

void Table::finish() {
  if (waiting_.empty()) return;
  std::vector<std::string> headings;
  for (const auto& column : columns_) headings.push_back(heading(column));
  waiting_.insert(waiting_.begin(), std::move(headings));
  widths_.assign(columns_.size(), 0);
  for (const auto& cells : waiting_)
    for (std::size_t i = 0; i < cells.size(); ++i) widths_[i] = std::max(widths_[i], shown_width(cells[i]));
  for (const auto& cells : waiting_) print(cells);
  waiting_.clear();
}

void Table::print(const std::vector<std::string>& cells) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line += cells[i];
    if (i + 1 == cells.size()) break;
    line.append(2 + widths_[i] - std::min(widths_[i], shown_width(cells[i])), ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  screen_.out << (screen_.width > 0 ? cut(line, screen_.width) : std::string_view(line)) << '\n';
}

void print_fields(const Value& map, const Screen& screen) {
  Fields fields;
  collect_fields(map, {}, fields);
  std::size_t width = 0;
  for (const auto& [name, text] : fields) width = std::max(width, name.size());
  for (const auto& [name, text] : fields) screen.out << name << std::string(width + 2 - name.size(), ' ') << text << '\n';
}

}  // namespace deferd::ctl
