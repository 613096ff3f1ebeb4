#include "readme_rows.h"

#include <fstream>
#include <sstream>
#include <string_view>

namespace deferd {
namespace {

/// A cell of a table.
std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != text.npos; at += 2) text.insert(at, "\\");
  return text.empty() ? " |" : " " + text + " |";
}

/// Whether a line has all that the schema says. A range that only a rule knows may stand there as well.
bool has_row(std::string_view manual, const FieldDoc& field, const std::string& begin) {
  const auto at = manual.find("\n" + begin);
  if (at == manual.npos) return false;
  auto rest = manual.substr(at + 1 + begin.size());
  rest = rest.substr(0, rest.find('\n'));
  const std::string help = cell(field.help);
  if (!field.range.empty()) return rest == cell(field.range) + help;
  return rest.ends_with(help) && rest.find('|') + 1 == rest.size() - help.size();
}

void look_for(std::span<const FieldDoc> fields, const std::string& within, const std::string& manual,
              std::vector<std::string>& missing) {
  for (const auto& field : fields) {
    const std::string name = within + field.name;
    const std::string begin = "| `" + name + "` |" + cell(field.type) + cell(field.default_text);
    if (!has_row(manual, field, begin)) missing.push_back(begin + cell(field.range) + cell(field.help));
    look_for(field.fields, name + (field.type.starts_with("map of ") ? ".NAME." : "."), manual, missing);
  }
}

}  // namespace

std::vector<std::string> missing_rows(const std::string& manual, std::span<const FieldDoc> fields) {
  std::ostringstream text;
  if (std::ifstream file(manual); file) text << file.rdbuf();
  std::vector<std::string> missing;
  look_for(fields, "", text.str(), missing);
  return missing;
}

}  // namespace deferd
